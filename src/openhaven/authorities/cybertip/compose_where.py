"""Where it happened, as the report states it: one part for the place, and one for addresses. Pure.

What a specialist enters is never dropped in silence: addresses that a place has no room for are
stated as a page of their own.
"""

from openhaven.authorities.cybertip.checking import is_url
from openhaven.authorities.cybertip.entered import Entered, Where
from openhaven.authorities.cybertip.model import (
    CellPhone,
    Chat,
    Game,
    Internet,
    Mail,
    Newsgroup,
    PeerToPeer,
    Place,
    WebPage,
)
from openhaven.authorities.cybertip.parts import Phone
from openhaven.authorities.facts import CaseFacts


def where(facts: CaseFacts, entered: Entered, service: str) -> tuple[Internet, ...]:
    """Return where it happened, as the case and the specialist say; `service` is the platform."""
    kind = entered.where or _kind(facts)
    if kind == "web":
        return (Internet(web_page_incident=_page(facts, entered)),)
    found = _place(kind, facts, entered, service)
    if not entered.urls:
        return (found,)
    hosted = entered.hosted_elsewhere
    page = WebPage(url=tuple(dict.fromkeys(entered.urls)), third_party_hosted_content=hosted)
    return found, Internet(web_page_incident=page)


def _kind(facts: CaseFacts) -> Where:
    event = facts.event
    if event is None or event.conversation is None:
        return "web"
    public = event.conversation.visibility == "public" and _address(facts) is not None
    return "web" if public else "chat"


def _address(facts: CaseFacts) -> str | None:
    given = facts.event.item.url if facts.event and facts.event.item else None
    return given if given and is_url(given) else None


def _page(facts: CaseFacts, entered: Entered) -> WebPage:
    own = _address(facts)
    given = facts.event.item.url if facts.event and facts.event.item else None
    named = f"Address as the service names it: {given}" if given and not own else ""
    notes = _notes(entered.said, entered.where_notes) or named
    urls = tuple(dict.fromkeys((*((own,) if own else ()), *entered.urls)))
    return WebPage(url=urls, additional_info=notes or None,
                   third_party_hosted_content=entered.hosted_elsewhere)  # fmt: skip


def _place(kind: Where, facts: CaseFacts, entered: Entered, service: str) -> Internet:
    room, said = entered.room or None, entered.said or None
    notes, both = entered.where_notes or None, _notes(entered.said, entered.where_notes) or None
    match kind:
        case "email":
            mail = Mail(email_address=entered.emails, content=said, additional_info=notes)
            return Internet(email_incident=mail)
        case "newsgroup":
            group = Newsgroup(name=room, email_address=entered.emails, content=said,
                              additional_info=notes)  # fmt: skip
            return Internet(newsgroup_incident=group)
        case "game":
            game = Game(game_name=room or service, content=said, additional_info=notes)
            return Internet(online_gaming_incident=game)
        case "phone":
            number = Phone(text=entered.where_phone) if entered.where_phone else None
            return Internet(
                cell_phone_incident=CellPhone(phone_number=number, additional_info=both)
            )
        case "place":
            return Internet(non_internet_incident=Place(location_name=room, additional_info=both))
        case "peer":
            return Internet(peer2peer_incident=PeerToPeer(client=room, additional_info=both))
    conversation = facts.event.conversation if facts.event else None
    own = conversation.id if conversation else None
    chat = Chat(chat_client=service, chat_room_name=room or own,
                content=said, additional_info=notes)  # fmt: skip
    return Internet(chat_im_incident=chat)


def _notes(*texts: str) -> str:
    return "\n".join(text for text in texts if text)
