"""Keys: made and shown once, listed, changed, revoked."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_keys import revoke_api_key
from accounts.models import ApiKey, KeyScope, Project
from billing.api.base import BillingView
from billing.keys.listing import KeyState, key_rows, keys_of
from billing.keys.rotation import LONGEST_OVERLAP, rotate_key
from billing.keys.terms import KeyTerms, change_key, create_key
from billing.plans.price_lists import models_sold
from billing.projects.listing import listed_projects
from common import clock
from common.rest.fields import Amount, Instant, StrictSerializer, Text
from common.rest.paging import PageQuery, page_body, page_of, page_schema

STATES = [state.value for state in KeyState]
SCOPES_HELP = "`chat` calls Claude, `manage` opens this API."
MODELS_HELP = "The models it may use; empty for all of the plan's."
PROJECT_HELP = "The project that all its requests belong to; null where each may name one."
CAP_HELP = 'Its own spending cap, in cents a billing period, for example "500" for $5; null for none.'


class Key(serializers.Serializer[Any]):
    """A key, without its text, which is stored nowhere."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="Its first and last characters.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=KeyScope.choices), help_text=SCOPES_HELP)
    models = serializers.ListField(child=serializers.CharField(), help_text=MODELS_HELP)
    project = serializers.CharField(allow_null=True, help_text=PROJECT_HELP)
    cap_minor = Amount(source="cap.cap_minor", default=None, allow_null=True, help_text=CAP_HELP)
    spent_minor = Amount(
        source="cap.spent_minor",
        default=None,
        allow_null=True,
        help_text="Its spending since the period began; null without a cap.",
    )
    held_minor = Amount(
        source="cap.held_minor",
        default=None,
        allow_null=True,
        help_text="The most that its running requests may still cost; null without a cap.",
    )
    left_minor = Amount(
        source="cap.left_minor", default=None, allow_null=True, help_text="The rest of its cap; null without one."
    )
    state = serializers.ChoiceField(choices=STATES, help_text="Only an active key opens anything.")
    created_by = serializers.EmailField(
        source="created_by.email", default=None, allow_null=True, help_text="The address of its maker, if known."
    )
    created_at = Instant()
    last_used_at = Instant(allow_null=True, help_text="To the minute.")
    expires_at = Instant(allow_null=True)
    revoked_at = Instant(allow_null=True)


class NewKey(Key):
    """A new key, with its text, which is shown this once."""

    key = serializers.CharField(help_text="The key itself. It is shown this once: keep it.")


class KeyChange(StrictSerializer):
    """The changes to a key. A field that is not sent stays."""

    name = Text(max_length=100, required=False)
    models = serializers.ListField(child=Text(max_length=100), max_length=100, required=False, help_text=MODELS_HELP)
    cap_minor = Amount(allow_null=True, required=False, help_text=CAP_HELP)
    project = Text(max_length=64, allow_null=True, required=False, help_text=PROJECT_HELP)
    expires_at = Instant(allow_null=True, required=False, help_text="When it stops working; null for never.")

    def validate_models(self, value: list[str]) -> list[str]:
        """Refuse models that no plan has."""
        sold = models_sold()
        for model in value:
            if model not in sold:
                raise serializers.ValidationError(f"There is no model {model!r} here. There are {', '.join(sold)}.")
        return value

    def validate_project(self, value: str | None) -> Project | None:
        """Return the project in use. Refuse a name that the organization has not, or has archived."""
        if value is None:
            return None
        projects = listed_projects(organization_id=self.context["organization_id"], archived=False)
        found = projects.filter(name=value).first()
        if found is None:
            raise serializers.ValidationError(f"Your organization has no project {value!r} in use. Create it first.")
        return found

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        """Refuse an end in the past. Revoke a key instead."""
        if value and value <= clock.now():
            raise serializers.ValidationError("This is in the past.")
        return value


class KeyCreation(KeyChange):
    """The terms of a new key."""

    name = Text(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=KeyScope.choices),
        allow_empty=False,
        max_length=len(KeyScope),
        default=[KeyScope.CHAT.value],
        help_text=SCOPES_HELP,
    )


class KeyEndpoint(BillingView):
    """The base of the endpoints of keys."""

    def shown(self, *keys: ApiKey) -> list[dict[str, Any]]:
        """Return keys of the organization in the shape of an answer."""
        rows = key_rows(keys, account=self.account, now=self.now)
        return [dict(Key(row).data) for row in rows]

    def key_of(self, key_id: int) -> ApiKey:
        """Return one key of the organization. Raises NotFound, also for a stranger's."""
        key = keys_of(organization_id=self.organization_id).filter(id=key_id).first()
        if key is None:
            raise NotFound(f"Your organization has no key {key_id}.")
        return key


class KeysView(KeyEndpoint):
    """The organization's keys."""

    @extend_schema(
        operation_id="list_keys",
        summary="List keys",
        parameters=[PageQuery],
        responses=page_schema("KeyPage", Key, id_field=serializers.IntegerField(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        """Return the organization's keys, newest first. Revoked and expired keys are among them."""
        query = self.query(PageQuery)
        keys = keys_of(organization_id=self.organization_id)
        page, has_more = page_of(keys, limit=query["limit"], after=query.get("after_id"))
        return Response(page_body(self.shown(*page), has_more=has_more))

    @extend_schema(operation_id="create_key", summary="Create a key", request=KeyCreation, responses={201: NewKey})
    def post(self, request: Request) -> Response:
        """Create a key and return it with its text, this once. Its maker is the maker of the calling key."""
        terms = self.body(KeyCreation)
        scopes = terms.pop("scopes")
        caller = ApiKey.objects.select_related("created_by").get(id=self.caller.api_key_id)
        key, text = create_key(
            organization=self.organization,
            created_by=caller.created_by,
            scopes=scopes,
            terms=KeyTerms(**terms),  # type: ignore[typeddict-item]
            now=self.now,
        )
        return Response({**self.shown(key)[0], "key": text}, status=201)


class KeyView(KeyEndpoint):
    """One key."""

    @extend_schema(operation_id="get_key", summary="Look at a key", responses=Key)
    def get(self, request: Request, key_id: int) -> Response:
        """Return one key."""
        return Response(self.shown(self.key_of(key_id))[0])

    @extend_schema(operation_id="change_key", summary="Change a key", request=KeyChange, responses=Key)
    def patch(self, request: Request, key_id: int) -> Response:
        """Change the fields that are sent. A cap counts the key's spending in this period and holds at once.

        Name, models and end hold within five seconds. Scopes never change: make a new key and revoke this one.
        """
        terms = KeyTerms(**self.body(KeyChange))  # type: ignore[typeddict-item]
        change_key(api_key=self.key_of(key_id), terms=terms, now=self.now)
        return Response(self.shown(self.key_of(key_id))[0])


class Rotation(StrictSerializer):
    """The end of the old key."""

    overlap_s = serializers.IntegerField(
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        default=86_400,
        help_text="How long the old key goes on working, in seconds: at most a week.",
    )


class KeyRotationView(KeyEndpoint):
    """Rotating one key."""

    @extend_schema(
        operation_id="rotate_key", summary="Rotate a key", request=Rotation, responses={201: NewKey, 409: None}
    )
    def post(self, request: Request, key_id: int) -> Response:
        """Create a key with the terms of this one, which ends after the overlap. The answer has the new key's text.

        The new key's cap begins with what the old one has spent; while both work, each has its own.
        """
        overlap = timedelta(seconds=self.body(Rotation)["overlap_s"])
        caller = ApiKey.objects.select_related("created_by").get(id=self.caller.api_key_id)
        old = self.key_of(key_id)
        new, text = rotate_key(api_key=old, overlap=overlap, by=caller.created_by, now=self.now)
        return Response({**self.shown(new)[0], "key": text}, status=201)


class KeyRevocationView(KeyEndpoint):
    """Revoking one key."""

    @extend_schema(operation_id="revoke_key", summary="Revoke a key", request=None, responses=Key)
    def post(self, request: Request, key_id: int) -> Response:
        """Revoke a key for good. It opens nothing within five seconds. Revoking it again changes nothing."""
        revoke_api_key(organization=self.organization, api_key_id=key_id, now=self.now)
        return Response(self.shown(self.key_of(key_id))[0])
