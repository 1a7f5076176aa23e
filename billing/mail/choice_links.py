"""Links that turn one kind of mail off for one person without signing in: signed, and good for nothing else."""

from dataclasses import dataclass

from django.core import signing

from accounts.mail_choices import turn_off
from accounts.models import User
from billing.mail.kinds import BY_KIND, KindOfMail
from billing.models import Notice

_signer = signing.Signer(salt="rgent.mail.choice")


class UnknownChoice(Exception):
    """The link was not made here, or what it is about is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The person and the kind of mail that a link is about."""

    user: User
    kind: KindOfMail

    def turn_off(self) -> None:
        """Send the person no more mails of the kind. May be called any number of times."""
        turn_off(user_id=self.user.pk, kind=self.kind.kind)


def choice_token(*, user_id: int, kind: Notice.Kind) -> str:
    """Return the token of a link that turns a kind off for a person."""
    return _signer.sign(f"{user_id}.{kind}")


def read_choice(token: str) -> Choice:
    """Return the choice of a token. Raises UnknownChoice, also for a kind that cannot be turned off."""
    try:
        user_id, _, value = _signer.unsign(token).partition(".")
    except signing.BadSignature as error:
        raise UnknownChoice("This link is not one of ours.") from error
    user = User.objects.filter(id=user_id).first()
    kind = BY_KIND.get(value)  # type: ignore[call-overload]
    if user is None or kind is None or kind.mandatory:
        raise UnknownChoice("There is no such mail any more.")
    return Choice(user=user, kind=kind)
