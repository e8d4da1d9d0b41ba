"""What a passkey is asked, and whether what it answers is true. Pure.

The library is loaded where it is used: with its certificates it takes a tenth of a start, and most
processes never see a passkey.
"""

from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.staff.passkeys.model import Site

_PATIENCE_MS = 300_000


class _MadeAnswer(msgspec.Struct):
    clientDataJSON: str  # noqa: N815 (the words of the standard)
    attestationObject: str  # noqa: N815


class Made(msgspec.Struct):
    """What a browser says of a passkey that was just made (`PublicKeyCredential.toJSON`)."""

    id: str
    response: _MadeAnswer


class _SignedAnswer(msgspec.Struct):
    clientDataJSON: str  # noqa: N815
    authenticatorData: str  # noqa: N815
    signature: str
    userHandle: str | None = None  # noqa: N815


class Signed(msgspec.Struct):
    """What a browser says that a passkey signed."""

    id: str
    response: _SignedAnswer


class New(msgspec.Struct, frozen=True):
    """A passkey that was made as asked: its id, its public key (COSE) and its count of uses."""

    credential: bytes
    public_key: bytes
    uses: int


def asked_to_make(
    site: Site, service: str, challenge: bytes, staff: str, name: str, known: list[bytes]
) -> dict[str, Any]:
    """Return the options of `navigator.credentials.create`, for somebody who has those `known`."""
    import webauthn
    from webauthn.helpers import structs

    found = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name=service,
        user_id=staff.encode(),
        user_name=name,
        user_display_name=name,
        challenge=challenge,
        timeout=_PATIENCE_MS,
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    return dict(webauthn.helpers.options_to_json_dict(found))


def asked_to_sign(site: Site, challenge: bytes, known: list[bytes]) -> dict[str, Any]:
    """Return the options of `navigator.credentials.get`; `known` is empty for who is not known."""
    import webauthn
    from webauthn.helpers import structs

    found = webauthn.generate_authentication_options(
        rp_id=site.name,
        challenge=challenge,
        timeout=_PATIENCE_MS,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return dict(webauthn.helpers.options_to_json_dict(found))


def check_made(site: Site, challenge: bytes, made: Made) -> New:
    """Return the passkey that was made for this challenge (W3C Web Authentication 7.1).

    Raises `Problem` (400) when it is bound to another site or challenge, or did not see its holder.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = webauthn.verify_registration_response(
            credential=_credential(made),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        _framed(made.response.clientDataJSON)
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise _refused() from error
    return New(found.credential_id, found.credential_public_key, found.sign_count)


def check_signed(site: Site, challenge: bytes, signed: Signed, public_key: bytes) -> int:
    """Return how often the passkey was used, by its own count (W3C Web Authentication 7.2).

    Raises `Problem` (400) when the signature, the site or the challenge is wrong. Whether the count
    went on is for the caller to see: it says nothing before the signature is known to be good.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = webauthn.verify_authentication_response(
            credential=_credential(signed),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        _framed(signed.response.clientDataJSON)
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise _refused() from error
    return found.new_sign_count


def credential_of(signed: Signed) -> bytes:
    """Return the id of the passkey that signed; raises `Problem` (400) when it is none."""
    try:
        return _bytes(signed.id)
    except ValueError as error:
        raise _refused() from error


def holder_of(signed: Signed) -> str:
    """Return whose the passkey says that it is, or "" when it does not say."""
    try:
        return _bytes(signed.response.userHandle or "").decode()
    except ValueError as error:
        raise _refused() from error


def refused() -> Problem:
    """Return the one answer to every passkey that does not fit."""
    return _refused()


def _refused() -> Problem:
    return Problem("passkey.refused", "This passkey does not fit.", status=400,
                   next_step="Try another one, or sign in in another way.")  # fmt: skip


def _credential(given: Made | Signed) -> dict[str, Any]:
    response = {name: value for name, value in msgspec.to_builtins(given.response).items() if value}
    return {"id": given.id, "rawId": given.id, "type": "public-key", "response": response}


def _bytes(text: str) -> bytes:
    """Return what base64url without padding stands for; raises `ValueError` when it is none."""
    from webauthn.helpers import base64url_to_bytes

    return base64url_to_bytes(text)


def _framed(client_data: str) -> None:
    """Raise `ValueError` when the page was shown inside another site's page."""
    said = msgspec.json.decode(_bytes(client_data))
    if said.get("crossOrigin") or "topOrigin" in said:
        raise ValueError("framed")
