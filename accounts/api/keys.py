"""Keys: made and shown once, listed, renamed, revoked."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ManagementView
from accounts.api.fields import Instant, StrictSerializer, Text
from accounts.api.paging import PageQuery, page_body, page_of, page_schema
from accounts.api_keys import create_api_key, revoke_api_key
from accounts.key_list import KeyState, state_of
from accounts.models import ApiKey, KeyScope

STATES = [state.value for state in KeyState]
SCOPES_HELP = "`chat` calls Claude, `manage` opens this API."


class Key(serializers.Serializer[Any]):
    """A key, without its text, which is stored nowhere."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How it begins and ends.")
    scopes = serializers.SerializerMethodField(help_text=SCOPES_HELP)
    state = serializers.SerializerMethodField(help_text="Only an active key opens anything.")
    created_by = serializers.EmailField(
        source="created_by.email", default=None, allow_null=True, help_text="Who made it, where that is known."
    )
    created_at = Instant()
    last_used_at = Instant(allow_null=True, help_text="To the minute.")
    expires_at = Instant(allow_null=True)
    revoked_at = Instant(allow_null=True)

    def get_scopes(self, key: ApiKey) -> list[KeyScope]:
        """Return the scopes, in order."""
        return sorted(key.scope_set)

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, key: ApiKey) -> KeyState:
        """Return whether it works."""
        return state_of(key, now=timezone.now())


class NewKey(Key):
    """A key just made: the one time its text is told."""

    key = serializers.CharField(help_text="The key itself. It is shown this once: keep it.")


class KeyCreation(StrictSerializer):
    """What a new key is to be."""

    name = Text(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=KeyScope.choices),
        allow_empty=False,
        max_length=len(KeyScope),
        default=[KeyScope.CHAT.value],
        help_text=SCOPES_HELP,
    )
    expires_at = Instant(allow_null=True, default=None, help_text="When it stops working; null for never.")

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        """Refuse a key that has expired before it is made."""
        if value and value <= timezone.now():
            raise serializers.ValidationError("This is in the past.")
        return value


class KeyChange(StrictSerializer):
    """What of a key can be changed."""

    name = Text(max_length=100)


class KeysView(ManagementView):
    """The organization's keys."""

    @extend_schema(
        operation_id="list_keys",
        summary="List keys",
        parameters=[PageQuery],
        responses=page_schema("KeyPage", Key, id_field=serializers.IntegerField(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        """Return the organization's keys, also those that work no more, the newest first."""
        query = self.query(PageQuery)
        keys, has_more = page_of(keys_of(self.organization_id), limit=query["limit"], after=query.get("after_id"))
        return Response(page_body([dict(Key(key).data) for key in keys], has_more=has_more))

    @extend_schema(operation_id="create_key", summary="Create a key", request=KeyCreation, responses={201: NewKey})
    def post(self, request: Request) -> Response:
        """Create a key and return it with its text, this once. It counts as made by whoever made the calling key."""
        wanted = self.body(KeyCreation)
        caller = ApiKey.objects.select_related("created_by").get(id=self.caller.api_key_id)
        key, text = create_api_key(organization=self.organization, created_by=caller.created_by, **wanted)
        return Response({**Key(key).data, "key": text}, status=201)


class KeyView(ManagementView):
    """One key."""

    @extend_schema(operation_id="get_key", summary="Look at a key", responses=Key)
    def get(self, request: Request, key_id: int) -> Response:
        """Return one key."""
        return Response(Key(key_of(self.organization_id, key_id)).data)

    @extend_schema(operation_id="rename_key", summary="Rename a key", request=KeyChange, responses=Key)
    def patch(self, request: Request, key_id: int) -> Response:
        """Give a key another name. Nothing else of a key changes: make a new one, and revoke this."""
        key = key_of(self.organization_id, key_id)
        key.name = self.body(KeyChange)["name"]
        key.save(update_fields=["name"])
        return Response(Key(key).data)


class KeyRevocationView(ManagementView):
    """Revoking one key."""

    @extend_schema(operation_id="revoke_key", summary="Revoke a key", request=None, responses=Key)
    def post(self, request: Request, key_id: int) -> Response:
        """Revoke a key, for good: within five seconds it opens nothing. Revoking it again changes nothing."""
        revoke_api_key(organization=self.organization, api_key_id=key_id, now=timezone.now())
        return Response(Key(key_of(self.organization_id, key_id)).data)


def keys_of(organization_id: int) -> QuerySet[ApiKey]:
    """Return an organization's keys."""
    return ApiKey.objects.filter(organization_id=organization_id).select_related("created_by")


def key_of(organization_id: int, key_id: int) -> ApiKey:
    """Return one key of an organization. Raises NotFound, for a stranger's too."""
    key = keys_of(organization_id).filter(id=key_id).first()
    if key is None:
        raise NotFound(f"Your organization has no key {key_id}.")
    return key
