"""The heading of the OpenAPI document, and how drf-spectacular writes it."""

DOCUMENT = {
    "TITLE": "rgent management API",
    "VERSION": "1",
    "DESCRIPTION": "Keys, members, plans, subscription, bills and usage of one organization: that of the calling key, "
    "which needs the `manage` scope.\n\nAmounts are decimal strings in cents (`..._minor`): `exact_...` to the last "
    "decimal, `charged_...` as Stripe rounds it. Instants are RFC 3339 in UTC. Periods and ranges are half-open: "
    "`starts_at` is in them, `ends_at` is not. Every answer has a `request-id` header: tell it to support.\n\n"
    "Calls of Claude (`/chat`, `/v1/...`) tell their exact cost in the headers `rgent-cost` and `rgent-cost-currency`, "
    "or at the end of a stream.",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "Role": "accounts.models.Membership.Role",
        "RoleToGive": "accounts.members.ROLES_TO_GIVE",
        "KeyScope": "accounts.models.KeyScope",
        "KeyState": "billing.api.keys.STATES",
        "EventType": "billing.api.webhooks.EVENT_TYPES",
        "DeliveryState": "billing.models.EventDelivery.State",
        "InvoiceStatus": "billing.api.invoices.STATUSES",
        "RequestState": "billing.api.requests.STATES",
        "SubscriptionStatus": "billing.api.subscription.STATUSES",
    },
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "rgent.management_api.schema.describe_errors",
    ],
}
