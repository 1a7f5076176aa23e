"""People, the organizations they belong to, and the keys that call in an organization's name."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.audit_entry import AuditEntry, AuditEvent
from accounts.project import Project
from accounts.terms_acceptance import TermsAcceptance
from common import clock

__all__ = [
    "SCOPES",
    "ApiKey",
    "ApiKeyQuerySet",
    "AuditEntry",
    "AuditEvent",
    "Invitation",
    "KeyScope",
    "Membership",
    "Organization",
    "Project",
    "TermsAcceptance",
    "User",
    "UserManager",
]


class UserManager(BaseUserManager["User"]):
    """Makes users, who sign in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user. The e-mail is kept in lower case, since people type it in any case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail, in any case."""
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in by e-mail."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    time_zone = models.CharField(
        max_length=50,
        blank=True,
        default="",
        db_default="",
        help_text="The zone in which pages tell this person the time. Empty: UTC.",
    )
    terms_version = models.CharField(
        "terms accepted",
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="The version of the terms this person accepted last.",
    )

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Return the name, or the e-mail without one."""
        return self.name or self.email


class Organization(models.Model):
    """An organization, which is billed as dj-stripe's subscriber. Stripe sends receipts to `email`."""

    name = models.CharField(max_length=150)
    email = models.EmailField("billing e-mail")
    members = models.ManyToManyField(User, through="Membership", related_name="organizations")
    second_factor_required = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether the portal is closed to members without a second factor.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="In billing time.")
    forgotten_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="In billing time.")
    history = HistoricalRecords(app="accounts")

    class Meta:
        permissions = [("look_into_organization", "Can look at an organization's pages as its admins see them")]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        """Return the name dj-stripe gives the Stripe customer."""
        return self.name


class Membership(models.Model):
    """A person's role in an organization."""

    class Role(models.TextChoices):
        """The roles: owners and admins manage keys and billing, members use them."""

        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="one_membership_each")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} ({self.role})"

    @property
    def may_manage(self) -> bool:
        """Tell whether this member may create keys and change what is paid."""
        return self.role in {self.Role.OWNER, self.Role.ADMIN}


class Invitation(models.Model):
    """An offer of membership, accepted through a link whose token is stored as a hash."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role, default=Membership.Role.MEMBER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"


class MailOptOut(models.Model):
    """A kind of mail that a person turned off."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=50)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="turned_off_once")]

    def __str__(self) -> str:
        return f"{self.user}: no mail about {self.kind}"


class MailRefusal(models.Model):
    """The mail server's last refusal of a person's address, until it takes their mail again."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="mail_refusal")
    email = models.EmailField(help_text="The address that was refused.")
    reason = models.CharField(max_length=300, help_text="The mail server's code and words.")
    refused_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.email}: {self.reason}"


class KeyScope(models.TextChoices):
    """The scopes of a key: calling Claude, managing, or both."""

    CHAT = "chat", "Chat"
    MANAGE = "manage", "Manage"


# Every set of scopes a key may have, as it is stored: words in order, with a space between.
SCOPES = [("chat", "Chat"), ("manage", "Manage"), ("chat manage", "Chat and manage")]


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Chainable filters on keys."""

    def usable(self) -> "ApiKeyQuerySet":
        """Keep the keys that still open the API."""
        return self.filter(self._works())

    def unusable(self) -> "ApiKeyQuerySet":
        """Keep the keys that open the API no longer."""
        return self.filter(~self._works())

    def update(self, **values: Any) -> int:
        """Change keys, and let every process see it unless only their last use changed."""
        if values.keys() != {"last_used_at"}:
            values.setdefault("changed_at", timezone.now())
        return super().update(**values)

    @staticmethod
    def _works() -> models.Q:
        unexpired = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=clock.now())
        return unexpired & models.Q(revoked_at__isnull=True)


class ApiKey(models.Model):
    """A key that calls in an organization's name. Only its SHA-256 is stored; the key itself is shown once."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="api_keys")
    name = models.CharField(max_length=100)
    scopes = models.CharField(max_length=20, choices=SCOPES, default="chat")
    allowed_models = models.JSONField(
        "models", default=list, blank=True, help_text="Ids of the models it may use. Empty: all of the plan's."
    )
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=12, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    project = models.ForeignKey(
        Project,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
        help_text="All its requests belong to this project. Without one, a request may name any.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="The key that a rotation put in its place.",
    )
    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    objects: ClassVar[models.Manager["ApiKey"]] = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__in=[stored for stored, _ in SCOPES]), name="key_opens_something_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    def save(self, **options: Any) -> None:
        """Save, and let every process see that the key has changed."""
        if options.get("update_fields") is not None:
            options["update_fields"] = {*options["update_fields"], "changed_at"}
        super().save(**options)

    @property
    def hint(self) -> str:
        """The part of the key that may be shown again: prefix and last four characters."""
        return f"{self.prefix}…{self.last_four}"

    @property
    def scope_set(self) -> frozenset[KeyScope]:
        """The key's scopes."""
        return frozenset(KeyScope(word) for word in self.scopes.split())
