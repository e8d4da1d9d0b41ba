"""Every page of Plaza: a handler takes a call and returns a response. It works without scripts."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from plaza import cast, pictures, store, words
from plaza.actions import Draft, Unfit, clean, digest
from plaza.generator import CAP
from plaza.look import render
from plaza.model import Account, Item, now
from plaza.openhaven import Refused, Unreachable
from plaza.trail import trail

if TYPE_CHECKING:
    from plaza.app import House

COOKIE = "plaza_session"
PAGE = 20


class ChoosePersona(Exception):  # noqa: N818
    """Nobody is signed in; the text is where they wanted to go."""


@dataclass
class Call:
    """One request: who asks, what they sent, and the house that answers."""

    house: "House"
    request: Request
    form: dict[str, str]
    picture: bytes

    def __post_init__(self) -> None:
        token = self.request.cookies.get(COOKIE, "")
        self.me = store.session(self.house.store, digest(token)) if token else None

    @property
    def id(self) -> str:
        """The id in the address."""
        return str(self.request.path_params["id"])

    def person(self) -> Account:
        """Return who asks, or send them to choose a persona."""
        if self.me is None:
            url = self.request.url
            raise ChoosePersona(f"{url.path}?{url.query}" if self.request.method == "GET" else "/")
        return self.me

    def voice(self) -> Account:
        """Return who asks, unless their account is locked."""
        me = self.person()
        if store.suspended(self.house.store, me.id):
            raise HTTPException(
                403, "This account is suspended, so it cannot publish or write to anybody. "
                "You can read why under Notices, and appeal there.")  # fmt: skip
        return me

    def account(self, id_: str) -> Account:
        """Return a persona, or answer 404."""
        found = store.account(self.house.store, id_)
        if found is None:
            raise HTTPException(404)
        return found

    def item(self, id_: str) -> Item:
        """Return an item that this person may know of, or answer 404."""
        found = store.item(self.house.store, id_)
        if found is None or not self._may_know(found):
            raise HTTPException(404)
        return found

    def _may_know(self, what: Item) -> bool:
        if what.type != "message" or (self.me and what.account == self.me.id):
            return True
        return bool(self.me) and what.public and self.me is not None and (
            what.recipient == self.me.id)  # fmt: skip


Handler = Callable[[Call], Response]


def page(call: Call, template: str, code: int = 200, **values: Any) -> Response:
    """Return a page with what every page shows: who one is, and what is new."""
    me = call.me
    common = {
        "me": me,
        "unread": store.unread(call.house.store, me.id) if me else 0,
        "locked": store.suspended(call.house.store, me.id) if me else None,
        "path": call.request.url.path,
        "haven": call.house.haven.url,
    }
    return render(template, code, common | values)


def problem(call: Call, status: int, text: str) -> Response:
    """Return the page for something that went wrong."""
    return page(call, "problem.html", status, status=status, text=text)


def to(url: str) -> Response:
    """Send the browser on, after something was done."""
    return RedirectResponse(url, 303)


# The stream ---------------------------------------------------------------------------------


def stream(call: Call) -> Response:
    """Show the newest posts, and where to write one; `?live=1` follows along by itself."""
    before = call.request.query_params.get("before", "")
    start = int(before) if before.isascii() and before.isdigit() else 0
    posts = store.stream(call.house.store, min(start or 1 << 60, 1 << 60), PAGE)
    older = posts[-1].seq if len(posts) == PAGE else None
    live = call.request.query_params.get("live") == "1"
    return page(call, "stream.html", posts=posts, older=older, first=not start, live=live,
                **_chosen(call, posts))  # fmt: skip


def _chosen(call: Call, posts: list[Item]) -> dict[str, Any]:
    """Return what is chosen for who looks, where that may be: an ad, an order, suggestions."""
    me, safety = call.me, call.house.safety
    if me is None:
        return {"ad": "", "sorted": False, "suggested": []}
    kinds = ("ad.profiled", "ad.contextual")
    others = [who for who in store.accounts(call.house.store) if who.id != me.id]
    order = safety.may("feed.personalised", me).allowed
    if order:
        posts.sort(key=lambda one: one.language != me.language)
    return {
        "ad": next((kind for kind in kinds if safety.may(kind, me).allowed), ""),
        "sorted": order,
        "suggested": safety.open_to("recommend.account", me, others)[:3],
    }


def post(call: Call) -> Response:
    """Publish a post."""
    draft = Draft("post", call.form.get("text", ""), call.picture, call.form.get("alt", ""))
    made = call.house.plaza.publish(call.voice(), draft)
    return to(f"/posts/{made.id}")


def one(call: Call) -> Response:
    """Show one item, what is said about it, and what happened to it."""
    what = call.item(call.id)
    house = call.house
    parent = store.item(house.store, what.parent) if what.parent else None
    return page(
        call,
        "post.html",
        post=what,
        parent=parent,
        comments=store.comments(house.store, what.id),
        steps=trail(house.store, what, call.me, house.haven.url),
        topics=words.topics(what.topics),
    )


def comment(call: Call) -> Response:
    """Comment on a post."""
    what = call.item(call.id)
    if not what.public or what.type != "post" or "no_interaction" in what.limits:
        raise Unfit("One cannot comment on this any more.")
    draft = Draft("comment", call.form.get("text", ""), parent=what.id)
    made = call.house.plaza.publish(call.voice(), draft)
    return to(f"/posts/{made.id}" if made.hidden or made.topics else f"/posts/{what.id}#{made.id}")


def edit_form(call: Call) -> Response:
    """Show one's own words, to change them."""
    return page(call, "edit.html", post=_own(call))


def edit(call: Call) -> Response:
    """Change one's own words."""
    made = call.house.plaza.edit(call.voice(), _own(call), call.form.get("text", ""))
    return to(f"/posts/{made.id}")


def delete(call: Call) -> Response:
    """Delete one's own item."""
    call.house.plaza.delete(call.person(), _own(call))
    return to("/mine")


def _own(call: Call) -> Item:
    what = call.item(call.id)
    if what.account != call.person().id:
        raise HTTPException(404)
    return what


def picture(call: Call) -> Response:
    """Return the picture of an item that this person may see."""
    what = call.item(call.id)
    mine = call.me is not None and call.me.id == what.account
    hidden = what.grown_only and not mine and not words.may_reveal(call.me)
    if what.picture is None or not (what.public or mine) or hidden:
        raise HTTPException(404)
    data = (call.house.store.pictures / what.picture).read_bytes()
    policy = "default-src 'none'; sandbox"
    headers = {"content-security-policy": policy, "cache-control": "private, max-age=60"}
    return Response(data, media_type=what.picture_type, headers=headers)


# Personas -----------------------------------------------------------------------------------


def enter_form(call: Call) -> Response:
    """Show the personas to choose from."""
    people = store.accounts(call.house.store)
    return page(call, "enter.html", people=people, next=_next(call), bands=words.AGE_BANDS,
                countries=words.COUNTRIES, languages=words.LANGUAGES)  # fmt: skip


def enter(call: Call) -> Response:
    """Become one of the personas."""
    return _signed_in(call, call.account(call.form.get("account", "")))


def join(call: Call) -> Response:
    """Make up a new persona, and become it."""
    name = " ".join(clean(call.form.get("name", "")).split())
    band, country = call.form.get("age_band", ""), call.form.get("country", "")
    language = call.form.get("language", "")
    known = band in words.AGE_BANDS and country in words.COUNTRIES and language in words.LANGUAGES
    if not 1 <= len(name) <= 40 or not known:
        raise Unfit("A persona needs a name of up to 40 letters, an age, a country and a language.")
    who = Account(id=f"p-{secrets.token_hex(6)}", name=name, age_band=band, country=country,
                  language=language, about="", generated=0, created_at=now())  # fmt: skip
    call.house.plaza.join(who)
    return _signed_in(call, who)


def _signed_in(call: Call, who: Account) -> Response:
    if old := call.request.cookies.get(COOKIE):
        call.house.plaza.sign_out(old)
    answer = to(_next(call))
    token = call.house.plaza.sign_in(who)
    answer.set_cookie(COOKIE, token, max_age=86_400, httponly=True, samesite="lax")
    return answer


def leave(call: Call) -> Response:
    """End the session."""
    call.house.plaza.sign_out(call.request.cookies.get(COOKIE, ""))
    answer = to("/")
    answer.delete_cookie(COOKIE)
    return answer


def _next(call: Call) -> str:
    """Return where to go afterwards: a path of ours, never another site."""
    wanted = call.form.get("next") or call.request.query_params.get("next", "")
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if inside and wanted.isprintable() else "/"


def person(call: Call) -> Response:
    """Show one persona and what they wrote."""
    who = call.account(call.id)
    house, me = call.house, call.me
    theirs = [item for item in store.by_account(house.store, who.id) if item.public]
    return page(
        call,
        "person.html",
        who=who,
        posts=theirs,
        closed=store.suspended(house.store, who.id),
        relation=store.relation(house.store, me.id, who.id) if me else "",
        back=store.relation(house.store, who.id, me.id) if me else "",
    )


def contact(call: Call) -> Response:
    """Ask for, accept or block a contact."""
    other = call.account(call.id)
    call.house.plaza.contact(call.voice(), other, call.form.get("verb", ""))
    return to(f"/people/{other.id}")


# Messages -----------------------------------------------------------------------------------


def messages(call: Call) -> Response:
    """Show whom one has written with, and whom one could write to."""
    me = call.person()
    known = store.partners(call.house.store, me.id)
    others = [who for who in store.accounts(call.house.store) if who.id != me.id]
    return page(call, "messages.html", known=known, others=others)


def thread(call: Call) -> Response:
    """Show the messages between oneself and another."""
    me, other = call.person(), call.account(call.id)
    found = store.thread(call.house.store, me.id, other.id)
    seen = [item for item in found if item.account == me.id or item.public]
    return page(call, "thread.html", other=other, messages=seen)


def message(call: Call) -> Response:
    """Send a message."""
    me, other = call.voice(), call.account(call.id)
    draft = Draft("message", call.form.get("text", ""), recipient=other.id)
    made = call.house.plaza.publish(me, draft)
    quiet = made.standing in ("live", "checking") and not made.topics
    return to(f"/messages/{other.id}#{made.id}" if quiet else f"/posts/{made.id}")


# Reports, notices, one's own things ---------------------------------------------------------


def report_form(call: Call) -> Response:
    """Ask what is wrong with an item or an account."""
    call.person()
    item, who = _reported(call, call.request.query_params)
    return page(call, "report.html", post=item, who=who, categories=words.CATEGORIES)


def report(call: Call) -> Response:
    """Send a report, and show its receipt."""
    me = call.person()
    item, who = _reported(call, call.form)
    category = call.form.get("category", "")
    if category not in words.CATEGORIES:
        raise Unfit("Choose what is wrong with it.")
    subject = {"item": item.id} if item else {"account": who.id if who else ""}
    id_ = call.house.plaza.report(me, subject, category, call.form.get("text", ""))
    return to(f"/reports/{id_}")


def _reported(call: Call, values: Any) -> tuple[Item | None, Account | None]:
    if values.get("item"):
        return call.item(values["item"]), None
    return None, call.account(values.get("account", ""))


def receipt(call: Call) -> Response:
    """Show one's report, its receipt and what became of it."""
    me, house = call.person(), call.house
    found = store.report(house.store, call.id)
    if found is None or found.reporter != me.id:
        raise HTTPException(404)
    news = True
    if found.receipt and found.state not in ("decided", "closed"):
        try:
            state = house.haven.report(found.receipt)
            house.plaza.note_report(found.id, state.state, state.outcome, state.help)
            found = store.report(house.store, call.id)
        except (Unreachable, Refused):
            news = False
    return page(
        call,
        "receipt.html",
        report=found,
        news=news,
        categories=words.CATEGORIES,
        states=words.REPORT_STATES,
        topics=words.topics(found.topics if found else []),
    )


def reports(call: Call) -> Response:
    """Show what one has reported."""
    found = store.reports_of(call.house.store, call.person().id)
    return page(call, "reports.html", reports=found, categories=words.CATEGORIES,
                states=words.REPORT_STATES)  # fmt: skip


def notices(call: Call) -> Response:
    """Show one's mailbox; opening it marks everything as read."""
    me = call.person()
    found = store.notices_of(call.house.store, me.id)
    call.house.plaza.note_read(me)
    return page(call, "notices.html", notices=found)


def mine(call: Call) -> Response:
    """Show everything one wrote, and where it stands."""
    return page(call, "mine.html", posts=store.by_account(call.house.store, call.person().id))


# About ---------------------------------------------------------------------------------------


def behind(call: Call) -> Response:
    """Show what happens behind the scenes, with the planted posts first."""
    house = call.house
    return page(
        call,
        "behind.html",
        planted=store.planted(house.store),
        acts=store.latest_acts(house.store),
        letters=store.waiting(house.store),
        generator=store.fact(house.store, "generator"),
        generating=house.settings.generator,
        cap=CAP,
        authority=house.settings.authority_url,
        case=call.request.query_params.get("case") == "1",
    )


def case(call: Call) -> Response:
    """Plant the synthetic case for specialists: a placeholder that the demo's list knows."""
    who = cast.placeholder()
    call.house.plaza.join(who)
    if store.suspended(call.house.store, who.id):
        raise Unfit("The placeholder's account is suspended. Start the demo in a new folder.")
    draft = Draft("post", cast.PLACEHOLDER, pictures.placeholder(), "An abstract placeholder",
                  planted="the placeholder for a specialist", language="en")  # fmt: skip
    call.house.plaza.publish(who, draft)
    return to("/behind?case=1#case")


def help_(call: Call) -> Response:
    """Show where somebody who is not well finds help."""
    return page(call, "help.html", topics=words.topics(list(words.TOPICS)))


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/", stream),
    ("GET", "/enter", enter_form),
    ("POST", "/enter", enter),
    ("POST", "/join", join),
    ("POST", "/leave", leave),
    ("POST", "/posts", post),
    ("GET", "/posts/{id}", one),
    ("POST", "/posts/{id}/comments", comment),
    ("GET", "/posts/{id}/edit", edit_form),
    ("POST", "/posts/{id}/edit", edit),
    ("POST", "/posts/{id}/delete", delete),
    ("GET", "/pictures/{id}", picture),
    ("GET", "/people/{id}", person),
    ("POST", "/people/{id}/contact", contact),
    ("GET", "/messages", messages),
    ("GET", "/messages/{id}", thread),
    ("POST", "/messages/{id}", message),
    ("GET", "/report", report_form),
    ("POST", "/report", report),
    ("GET", "/reports", reports),
    ("GET", "/reports/{id}", receipt),
    ("GET", "/notices", notices),
    ("GET", "/mine", mine),
    ("GET", "/behind", behind),
    ("POST", "/behind/case", case),
    ("GET", "/help", help_),
]
