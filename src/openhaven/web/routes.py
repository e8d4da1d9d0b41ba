"""Every URL of Openhaven, in one table: what it is, who may call it, what it takes and answers."""

from openhaven.staff import pages as staff_pages
from openhaven.web import health, public
from openhaven.web.table import PUBLIC, SIGNED_IN, Route

ROUTES: tuple[Route, ...] = (
    # Signing in --------------------------------------------------------------------------------
    Route(method="GET", path="/sign-in", handler=staff_pages.sign_in_help, gate=PUBLIC,
          summary="How to sign in"),
    Route(method="GET", path="/sign-in/{token}", handler=staff_pages.confirm, gate=PUBLIC,
          summary="A button that uses a sign-in link"),
    Route(method="POST", path="/sign-in/{token}", handler=staff_pages.enter, gate=PUBLIC,
          summary="Use a sign-in link", takes="form", status=303, rate="sign-in"),
    Route(method="POST", path="/sign-out", handler=staff_pages.leave, gate=SIGNED_IN,
          summary="Sign out", takes="form", status=303),
    # Public pages ------------------------------------------------------------------------------
    Route(method="GET", path="/", handler=public.start, gate=PUBLIC, summary="The start page"),
    Route(method="GET", path="/ledger/checkpoint", handler=public.checkpoint, gate=PUBLIC,
          summary="The newest signed head of the ledger (C2SP tlog-tiles)", answer="text/plain"),
    Route(method="GET", path="/ledger/tile/{level}/{path:path}", handler=public.tile, gate=PUBLIC,
          summary="A tile of the ledger's tree, or a bundle of its entries",
          answer="application/octet-stream"),
    # Console -----------------------------------------------------------------------------------
    Route(method="GET", path="/console/help", handler=public.console_help, gate=SIGNED_IN,
          summary="How to work in the console"),
    # Operations --------------------------------------------------------------------------------
    Route(method="GET", path="/healthz", handler=health.alive, gate=PUBLIC,
          summary="The process lives", answer=dict[str, str]),
    Route(method="GET", path="/readyz", handler=health.ready, gate=PUBLIC,
          summary="The service can work", answer=dict[str, str]),
)  # fmt: skip
