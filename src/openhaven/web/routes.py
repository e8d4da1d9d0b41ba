"""Every URL of Openhaven, in one table: what it is, who may call it, what it takes and answers."""

from openhaven.connectors.matrix import api as matrix_api
from openhaven.decisions import api as decisions_api
from openhaven.decisions import pages as decisions_pages
from openhaven.intake import Event, Report
from openhaven.intake import api as intake_api
from openhaven.intake import pages as intake_pages
from openhaven.review import pages as review_pages
from openhaven.staff import pages as staff_pages
from openhaven.transparency import pages as transparency_pages
from openhaven.transparency.model import Figures
from openhaven.web import health, public, shapes
from openhaven.web.table import KEY, MATRIX, PUBLIC, SIGNED_IN, Route, staff

_QUEUE = staff("queue.read")
_DECISIONS = staff("decision.read")
_DELIVERIES = staff("delivery.read")
_REPLAY = staff("delivery.replay")
_REVEAL = staff("media.reveal")

ROUTES: tuple[Route, ...] = (
    # The API of platforms ----------------------------------------------------------------------
    Route(method="POST", path="/v1/events", handler=intake_api.post_events, gate=KEY,
          summary="Send one event, or a list of up to 500", takes="json",
          request=Event | list[Event], answer=intake_api.Done, status=202,
          also=((200, shapes.VerdictShape | list[intake_api.Done]),),
          query=(("wait", "`verdict` answers with the verdict, when there is one within 2 s"),)),
    Route(method="GET", path="/v1/events/{id}", handler=intake_api.get_event, gate=KEY,
          summary="The verdict on an event", answer=shapes.VerdictShape,
          also=((202, intake_api.Done),)),
    Route(method="POST", path="/v1/media", handler=intake_api.post_media, gate=KEY,
          summary="Send a picture or another file as raw bytes", takes="bytes",
          answer=intake_api.MediaAnswer, status=201),
    Route(method="POST", path="/v1/reports", handler=intake_api.post_report, gate=KEY,
          summary="Pass on what a person reported", takes="json", request=Report,
          answer=intake_api.Receipt, status=201),
    Route(method="GET", path="/v1/reports/{receipt}", handler=intake_api.get_report, gate=KEY,
          summary="The state of a report", answer=intake_api.ReportAnswer),
    Route(method="GET", path="/v1/decisions/{id}", handler=decisions_api.get_decision, gate=KEY,
          summary="A decision and its acts", answer=shapes.DecisionShape),
    Route(method="GET", path="/v1/decisions/{id}/statement", gate=KEY,
          handler=decisions_api.get_statement, answer=shapes.StatementShape,
          summary="The statement of reasons, with the message to the person",
          query=(("form", "`dsa` leaves only what the DSA Transparency Database takes"),)),
    Route(method="POST", path="/v1/acts/{id}/outcome", handler=decisions_api.post_outcome,
          gate=KEY, summary="Say that an act was carried out, or failed", takes="json",
          request=decisions_api.ActOutcome, answer=dict[str, str]),
    # What a Matrix homeserver calls ------------------------------------------------------------
    Route(method="PUT", path="/_matrix/app/v1/transactions/{id}", gate=MATRIX, takes="json",
          handler=matrix_api.transactions, summary="Take events of a homeserver's rooms",
          answer=dict[str, str], limit=32_000_000),
    Route(method="GET", path="/_matrix/app/v1/users/{id}", gate=MATRIX, handler=matrix_api.users,
          summary="Whether we would make this account: never", answer=dict[str, str]),
    Route(method="GET", path="/_matrix/app/v1/rooms/{alias}", gate=MATRIX,
          handler=matrix_api.rooms, summary="Whether we would make this room: never",
          answer=dict[str, str]),
    Route(method="POST", path="/_matrix/app/v1/ping", gate=MATRIX, takes="json",
          handler=matrix_api.ping, summary="Whether a homeserver reaches us",
          answer=dict[str, str]),
    # Public pages ------------------------------------------------------------------------------
    Route(method="GET", path="/", handler=public.start, gate=PUBLIC, summary="The start page"),
    Route(method="GET", path="/report", handler=intake_pages.report_form, gate=PUBLIC,
          summary="The report form, which parameters fill in",
          query=(("platform", "Name of the platform"), ("item", "What it is about"),
                 ("account", "Whom it is about"), ("category", "What is wrong"))),
    Route(method="POST", path="/report", handler=intake_pages.report_send, gate=PUBLIC,
          summary="Report something", takes="form", status=201, rate="report"),
    Route(method="GET", path="/report/receipt", handler=intake_pages.receipt_form, gate=PUBLIC,
          summary="Ask for the code of a report", query=(("code", "The receipt code"),)),
    Route(method="GET", path="/report/{receipt}", handler=intake_pages.report_state, gate=PUBLIC,
          summary="What became of a report"),
    Route(method="GET", path="/appeal/{token}", handler=decisions_pages.appeal_form, gate=PUBLIC,
          summary="A decision with its reasons, and the form to appeal"),
    Route(method="POST", path="/appeal/{token}", handler=decisions_pages.appeal_send, gate=PUBLIC,
          summary="Send an appeal", takes="form", status=303, rate="appeal"),
    Route(method="GET", path="/transparency", handler=transparency_pages.transparency,
          gate=PUBLIC, summary="What was done, in figures"),
    Route(method="GET", path="/transparency/chart.svg", handler=transparency_pages.weekly_chart,
          gate=PUBLIC, summary="Decisions by week", answer="image/svg+xml"),
    Route(method="GET", path="/transparency/data.json", handler=transparency_pages.data_json,
          gate=PUBLIC, summary="The figures; null stands for a withheld number", answer=Figures),
    Route(method="GET", path="/transparency/data.csv", handler=transparency_pages.data_csv,
          gate=PUBLIC, summary="The figures as a table", answer="text/csv"),
    Route(method="GET", path="/transparency/verify", handler=transparency_pages.verify,
          gate=PUBLIC, summary="How anybody can check the ledger"),
    Route(method="GET", path="/ledger/checkpoint", handler=public.checkpoint, gate=PUBLIC,
          summary="The newest signed head of the ledger (C2SP tlog-tiles)", answer="text/plain"),
    Route(method="GET", path="/ledger/tile/{level}/{path:path}", handler=public.tile, gate=PUBLIC,
          summary="A tile of the ledger's tree, or a bundle of its entries",
          answer="application/octet-stream"),
    # Signing in --------------------------------------------------------------------------------
    Route(method="GET", path="/sign-in", handler=staff_pages.sign_in_help, gate=PUBLIC,
          summary="How to sign in"),
    Route(method="GET", path="/sign-in/{token}", handler=staff_pages.confirm, gate=PUBLIC,
          summary="A button that uses a sign-in link"),
    Route(method="POST", path="/sign-in/{token}", handler=staff_pages.enter, gate=PUBLIC,
          summary="Use a sign-in link", takes="form", status=303, rate="sign-in"),
    Route(method="POST", path="/sign-out", handler=staff_pages.leave, gate=SIGNED_IN,
          summary="Sign out", takes="form", status=303),
    # Console -----------------------------------------------------------------------------------
    Route(method="GET", path="/console", handler=review_pages.console, gate=SIGNED_IN,
          summary="The queue and the stream", query=(("queue", "Only this queue"),)),
    Route(method="GET", path="/console/live", handler=review_pages.console_live, gate=_QUEUE,
          summary="The parts of the console that change"),
    Route(method="GET", path="/console/stream", handler=review_pages.console_stream, gate=_QUEUE,
          summary="A message whenever the console has changed", answer="text/event-stream"),
    Route(method="POST", path="/console/next", handler=review_pages.take_next, gate=_QUEUE,
          summary="Claim the most urgent task", takes="form", status=303),
    Route(method="GET", path="/console/tasks/{id}", handler=review_pages.task, gate=_QUEUE,
          summary="One task"),
    # Whether a task needs task.work or appeal.work depends on its kind: the verbs check it.
    Route(method="POST", path="/console/tasks/{id}/claim", handler=review_pages.claim,
          gate=_QUEUE, summary="Claim a task", takes="form", status=303),
    Route(method="POST", path="/console/tasks/{id}/release", handler=review_pages.release,
          gate=_QUEUE, summary="Give a task back", takes="form", status=303),
    Route(method="POST", path="/console/tasks/{id}/judge", handler=review_pages.judge,
          gate=_QUEUE, summary="Judge a task", takes="form", status=303),
    Route(method="GET", path="/console/media/{id}", handler=review_pages.media, gate=_QUEUE,
          summary="A picture, blurred and grey", answer="image/jpeg"),
    Route(method="GET", path="/console/media/{id}/clear", handler=review_pages.media_clear,
          gate=_REVEAL, summary="A picture that was asked for", answer="image/jpeg"),
    Route(method="POST", path="/console/media/{id}/reveal", handler=review_pages.reveal,
          gate=_REVEAL, summary="Ask to see a picture", takes="form", status=303),
    Route(method="GET", path="/console/decisions", handler=decisions_pages.decision_list,
          gate=_DECISIONS, summary="The latest decisions"),
    Route(method="GET", path="/console/decisions/{id}", handler=decisions_pages.decision,
          gate=_DECISIONS, summary="One decision and all that followed"),
    Route(method="GET", path="/console/deliveries", handler=decisions_pages.deliveries,
          gate=_DELIVERIES, summary="What was decided and has not arrived"),
    Route(method="POST", path="/console/acts/{id}/replay", handler=decisions_pages.replay_act,
          gate=_REPLAY, summary="Try a failed act again", takes="form", status=303),
    Route(method="POST", path="/console/notices/{id}/replay",
          handler=decisions_pages.replay_letter, gate=_REPLAY,
          summary="Try a failed e-mail again", takes="form", status=303),
    Route(method="GET", path="/console/sources", handler=review_pages.sources, gate=_DECISIONS,
          summary="The platforms, the banks and the rules in force"),
    Route(method="GET", path="/console/help", handler=public.console_help, gate=SIGNED_IN,
          summary="How to work in the console"),
    # Operations --------------------------------------------------------------------------------
    Route(method="GET", path="/healthz", handler=health.alive, gate=PUBLIC,
          summary="The process lives", answer=dict[str, str]),
    Route(method="GET", path="/readyz", handler=health.ready, gate=PUBLIC,
          summary="The service can work", answer=dict[str, str]),
)  # fmt: skip
