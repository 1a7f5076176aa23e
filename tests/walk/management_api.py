"""The answers of the management API to every kind of caller.

Ids in addresses are those of one organization. `chat`, `manage` and `revoked` are keys of it, with the scope that
their name tells and of both scopes; `stranger` is another organization's, of both. See `table` for cells.
"""

from tests.walk.table import read_table

MANAGEMENT_API = read_table("""
                                                  nobody  unknown  revoked  chat  stranger  manage
GET    /api/v1/organization                       401     401      401      403   200       200
# Its good answer needs Stripe: a wrong address shows how far a key comes.
PATCH  /api/v1/organization                       401     401      401      403   400       400
GET    /api/v1/plans                              401     401      401      403   200       200
GET    /api/v1/subscription                       401     401      401      403   200       200
# No plan is published here, and nobody has subscribed: past the door, Stripe is not asked.
POST   /api/v1/subscription                       401     401      401      403   503       503
POST   /api/v1/subscription/preview               401     401      401      403   409       409
POST   /api/v1/subscription/change                401     401      401      403   409       409
POST   /api/v1/subscription/cancel                401     401      401      403   409       409
POST   /api/v1/subscription/resume                401     401      401      403   409       409
POST   /api/v1/subscription/pay                   401     401      401      403   409       409
GET    /api/v1/card                               401     401      401      403   200       200
POST   /api/v1/card                               401     401      401      403   409       409
GET    /api/v1/bill                               401     401      401      403   200       200
GET    /api/v1/usage                              401     401      401      403   200       200
GET    /api/v1/requests                           401     401      401      403   200       200
GET    /api/v1/requests/<identifier:request_id>   401     401      401      403   404       200
GET    /api/v1/invoices                           401     401      401      403   200       200
GET    /api/v1/invoices/<identifier:invoice_id>   401     401      401      403   404       200
GET    /api/v1/invoices/<identifier:invoice_id>/records  401  401    401      403   404       200
GET    /api/v1/keys                               401     401      401      403   200       200
POST   /api/v1/keys                               401     401      401      403   201!      201!
GET    /api/v1/keys/<int:key_id>                  401     401      401      403   404       200
PATCH  /api/v1/keys/<int:key_id>                  401     401      401      403   404       200!
POST   /api/v1/keys/<int:key_id>/rotate           401     401      401      403   404       201!
POST   /api/v1/keys/<int:key_id>/revoke           401     401      401      403   404       200!
GET    /api/v1/projects                           401     401      401      403   200       200
POST   /api/v1/projects                           401     401      401      403   201!      201!
GET    /api/v1/projects/<int:project_id>          401     401      401      403   404       200
PATCH  /api/v1/projects/<int:project_id>          401     401      401      403   404       200!
GET    /api/v1/cap                                401     401      401      403   200       200
PUT    /api/v1/cap                                401     401      401      403   200!      200!
GET    /api/v1/alerts                             401     401      401      403   200       200
GET    /api/v1/webhooks                           401     401      401      403   200       200
POST   /api/v1/webhooks                           401     401      401      403   201!      201!
GET    /api/v1/webhooks/<int:endpoint_id>         401     401      401      403   404       200
PATCH  /api/v1/webhooks/<int:endpoint_id>         401     401      401      403   404       200!
DELETE /api/v1/webhooks/<int:endpoint_id>         401     401      401      403   404       204!
POST   /api/v1/webhooks/<int:endpoint_id>/rotate  401     401      401      403   404       201!
POST   /api/v1/webhooks/<int:endpoint_id>/test    401     401      401      403   404       201!
GET    /api/v1/webhooks/<int:endpoint_id>/deliveries  401  401     401      403   404       200
POST   /api/v1/webhooks/<int:endpoint_id>/deliveries/<int:delivery_id>/resend  401  401  401  403  404  200!
PUT    /api/v1/alerts                             401     401      401      403   200!      200!
GET    /api/v1/members                            401     401      401      403   200       200
PATCH  /api/v1/members/<int:member_id>            401     401      401      403   404       200!
DELETE /api/v1/members/<int:member_id>            401     401      401      403   404       204!
GET    /api/v1/invitations                        401     401      401      403   200       200
POST   /api/v1/invitations                        401     401      401      403   201!      201!
DELETE /api/v1/invitations/<int:invitation_id>    401     401      401      403   404       204!
""")
# Bodies, where an empty object would not do.
BODIES = {
    "PATCH /api/v1/organization": {"email": "nowhere"},
    "POST /api/v1/subscription": {"plan": "pro_haiku"},
    "POST /api/v1/subscription/preview": {"plan": "pro_haiku"},
    "POST /api/v1/subscription/change": {"plan": "pro_haiku"},
    "POST /api/v1/keys": {"name": "Made"},
    "PATCH /api/v1/keys/<int:key_id>": {"name": "Renamed"},
    "POST /api/v1/projects": {"name": "made"},
    "PATCH /api/v1/projects/<int:project_id>": {"name": "renamed"},
    "PUT /api/v1/cap": {"cap_minor": "500"},
    "PUT /api/v1/alerts": {"percents": [50]},
    "POST /api/v1/webhooks": {"url": "http://127.0.0.1:9/hook"},
    "PATCH /api/v1/webhooks/<int:endpoint_id>": {"url": "http://127.0.0.1:9/changed"},
    "PATCH /api/v1/members/<int:member_id>": {"role": "admin"},
    "POST /api/v1/invitations": {"email": "new@example.com"},
}
