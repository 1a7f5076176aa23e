"""The answers of the portal's pages, allauth's, the API's documents and Stripe's webhooks to every role.

Ids and tokens in addresses are those of one organization. `member`, `admin` and `owner` are people of it, `stranger`
owns another one, `nobody` has not signed in. A call that has no line is a 405 for everybody. See `table` for cells.
"""

from tests.walk.table import read_table

PAGES = read_table("""
                                                  nobody  stranger  member  admin  owner
GET  /                                            200     200       200     200    200
GET  /pricing/                                    200     200       200     200    200
GET  /catalogue/                                  200     200       200     200    200
GET  /health                                      200     200       200     200    200
# The sandbox's mailbox: with keys in the settings there is no such page.
GET  /robots.txt                                  200     200       200     200    200
GET  /favicon.ico                                 302     302       302     302    302
GET  /mail/                                       200     200       200     200    200
GET  /mail/<str:name>/                            404     404       404     404    404
GET  /docs/                                       302     302       302     302    302
GET  /docs/search/                                200     200       200     200    200
GET  /docs/reference/                             200     200       200     200    200
GET  /docs/reference/<slug:slug>/                 200     200       200     200    200
GET  /docs/<slug:slug>/                           200     200       200     200    200
GET  /api/docs                                    302     302       302     302    302
POST /api/docs                                    302     302       302     302    302
GET  /api/schema                                  200     200       200     200    200
GET  /api/^.*$                                    404     404       404     404    404
POST /api/^.*$                                    404     404       404     404    404
POST /webhooks/stripe                             400     400       400     400    400

# Ways in. They lead on who is signed in already, and a form that lacks everything is shown again.
GET  /accounts/login/                             200     302       302     302    302
POST /accounts/login/                             200     302       302     302    302
GET  /accounts/signup/                            200     302       302     302    302
POST /accounts/signup/                            200     302       302     302    302
GET  /accounts/inactive/                          200     200       200     200    200
GET  /accounts/confirm-email/                     login   302       302     302    302
POST /accounts/confirm-email/                     login   302       302     302    302
GET  /accounts/login/code/confirm/                login   302       302     302    302
POST /accounts/login/code/confirm/                login   302       302     302    302
GET  /accounts/password/reset/                    200     200       200     200    200
POST /accounts/password/reset/                    200     200       200     200    200
GET  /accounts/password/reset/confirm/            login   login     login   login  login
POST /accounts/password/reset/confirm/            login   login     login   login  login
GET  /accounts/password/reset/complete/           302     302       302     302    302
POST /accounts/password/reset/complete/           302     302       302     302    302
GET  /accounts/password/reset/done/               200     200       200     200    200

# Nobody here looks at an organization.
POST /app/looking/stop                            login   302       302     302    302

# A person's own account.
GET  /accounts/logout/                            302     200       200     200    200
POST /accounts/logout/                            302     302       302     302    302
GET  /accounts/email/                             login   200       200     200    200
POST /accounts/email/                             login   302       302     302    302
GET  /accounts/password/change/                   login   200       200     200    200
POST /accounts/password/change/                   login   200       200     200    200
GET  /accounts/password/set/                      login   302       302     302    302
POST /accounts/password/set/                      login   302       302     302    302
GET  /accounts/sessions/                          302     302       302     302    302
POST /accounts/sessions/                          302     302       302     302    302
GET  /accounts/2fa/                               login   200       200     200    200
POST /accounts/2fa/                               login   405       405     405    405
GET  /accounts/2fa/totp/activate/                 login   200       200     200    200
POST /accounts/2fa/totp/activate/                 login   200       200     200    200
GET  /accounts/2fa/totp/deactivate/               login   404       404     404    404
POST /accounts/2fa/totp/deactivate/               login   404       404     404    404
GET  /accounts/2fa/recovery-codes/                login   404       404     404    404
GET  /accounts/2fa/recovery-codes/download/       login   404       404     404    404
POST /accounts/2fa/recovery-codes/                login   405       405     405    405
POST /accounts/2fa/recovery-codes/download/       login   404       404     404    404
GET  /accounts/2fa/recovery-codes/generate/       login   200       200     200    200
POST /accounts/2fa/recovery-codes/generate/       login   200       200     200    200
GET  /accounts/2fa/webauthn/                      login   200       200     200    200
POST /accounts/2fa/webauthn/                      login   405       405     405    405
GET  /accounts/2fa/webauthn/add/                  login   200       200     200    200
POST /accounts/2fa/webauthn/add/                  login   200       200     200    200
# Nobody has a second factor yet to confirm or to change.
GET  /accounts/2fa/authenticate/                  login   302       302     302    302
POST /accounts/2fa/authenticate/                  login   302       302     302    302
GET  /accounts/2fa/reauthenticate/                login   302       302     302    302
POST /accounts/2fa/reauthenticate/                login   302       302     302    302
GET  /accounts/2fa/webauthn/reauthenticate/       login   302       302     302    302
POST /accounts/2fa/webauthn/reauthenticate/       login   302       302     302    302
GET  /accounts/2fa/webauthn/keys/<int:pk>/remove/ login   404       404     404    404
POST /accounts/2fa/webauthn/keys/<int:pk>/remove/ login   404       404     404    404
GET  /accounts/2fa/webauthn/keys/<int:pk>/edit/   login   404       404     404    404
POST /accounts/2fa/webauthn/keys/<int:pk>/edit/   login   404       404     404    404
GET  /accounts/reauthenticate/                    login   200       200     200    200
POST /accounts/reauthenticate/                    login   200       200     200    200

# The portal. A stranger acts in an organization of their own: where no id says otherwise, that is open to them.
GET  /app/                                        login   200       200     200    200
GET  /app/usage/                                  login   200       200     200    200
GET  /app/usage.csv                               login   200       200     200    200
GET  /app/requests/                               login   200       200     200    200
GET  /app/requests/<str:request_id>/              login   404       200     200    200
GET  /app/keys/                                   login   200       200     200    200
POST /app/keys/create                             login   302!      403     302!   302!
GET  /app/keys/<int:api_key_id>/                  login   404       403     200    200
POST /app/keys/<int:api_key_id>/                  login   404       403     302!   302!
POST /app/keys/<int:api_key_id>/rotate            login   404       403     302!   302!
POST /app/keys/<int:api_key_id>/revoke            login   404       403     302!   302!
GET  /app/projects/                               login   200       200     200    200
POST /app/projects/create                         login   302!      403     302!   302!
GET  /app/projects/<int:project_id>/              login   404       403     200    200
POST /app/projects/<int:project_id>/              login   404       403     302!   302!
POST /app/projects/<int:project_id>/archive       login   404       403     302!   302!
POST /app/projects/<int:project_id>/restore       login   404       403     302    302
GET  /app/team/                                   login   200       200     200    200
POST /app/team/invite                             login   302!      403     302!   302!
POST /app/team/invitations/<int:invitation_id>/withdraw  login  302  403  302!  302!
POST /app/team/<int:member_id>/role               login   302       403     302!   302!
# The id is the member's own: they may leave.
POST /app/team/<int:member_id>/remove             login   302       302!    302!   302!
POST /app/organization                            login   302       302     302    302
# A person's own settings, and the organization's.
GET  /app/terms                                   login   302       302     302    302
POST /app/terms                                   login   302!      302!    302!   302!
GET  /app/settings/                               login   200       200     200    200
POST /app/settings/                               login   302!      302!    302!   302!
POST /app/settings/close                          login   302       login!  login! 302
GET  /app/settings/sessions/                      login   200       200     200    200
POST /app/settings/sessions/<int:session_id>/end  login   302       302     302    302
POST /app/settings/sessions/end                   login   302       302     302    302
GET  /app/settings/log/                           login   200       403     200    200
GET  /app/settings/organization/                  login   200       403     200    200
# An empty form: nothing is changed without a name.
POST /app/settings/organization/                  login   422       403     422    422
POST /app/settings/organization/second-factor     login   302       403     403    302
GET  /app/settings/webhooks/                      login   200       403     200    200
POST /app/settings/webhooks/add                   login   302!      403     302!   302!
GET  /app/settings/webhooks/<int:endpoint_id>/    login   404       403     200    200
POST /app/settings/webhooks/<int:endpoint_id>/    login   404       403     302!   302!
POST /app/settings/webhooks/<int:endpoint_id>/rotate  login  404    403     302!   302!
POST /app/settings/webhooks/<int:endpoint_id>/switch  login  404    403     302!   302!
POST /app/settings/webhooks/<int:endpoint_id>/test  login  404      403     302!   302!
POST /app/settings/webhooks/<int:endpoint_id>/remove  login  404    403     302!   302!
GET  /app/settings/webhooks/<int:endpoint_id>/log/<int:delivery_id>/  login  404  403  200  200
POST /app/settings/webhooks/<int:endpoint_id>/log/<int:delivery_id>/resend  login  404  403  302!  302!
GET  /app/settings/data/                          login   200       200     200    200
POST /app/settings/data/export                    login   200!      403     200!   200!
# Without the organization's name.
POST /app/settings/data/close                     login   302       403     403    302
GET  /app/billing/                                login   200       200     200    200
POST /app/billing/cap                             login   302!      403     302!   302!
GET  /app/billing/company                         login   200       403     200    200
# A tax id without its kind: the form is shown again, whether Stripe can be reached or not.
POST /app/billing/company                         login   422       403     422    422
POST /app/billing/code                            login   302       403     302    302
# No plan is published here, so that nobody is led on to Stripe.
POST /app/billing/subscribe                       login   302       403     302    302
GET  /app/billing/plan/                           login   200       403     200    200
POST /app/billing/plan/                           login   302       403     302    302
POST /app/billing/plan/keep                       login   302       403     302    302
POST /app/billing/plan/cancel                     login   302       403     302    302
POST /app/billing/plan/resume                     login   302       403     302    302
# Stripe is not there, and nobody has a card: they are led back.
POST /app/billing/card                            login   302       403     302    302
GET  /app/billing/card/return                     login   302       403     302    302
POST /app/billing/pay                             login   302       403     302    302
GET  /app/billing/return                          login   302       302     302    302
GET  /app/billing/canceled                        login   302       302     302    302
GET  /app/billing/invoices/<str:invoice_id>/      login   404       200     200    200
GET  /app/notifications/                          login   200       200     200    200
POST /app/notifications/                          login   302!      302!    302!   302!
# The link of a mail to the member ends one kind of their mails, whoever has it.
GET  /app/notifications/off/<str:choice>          200     200       200     200    200
POST /app/notifications/off/<str:choice>          200!    200!      200!    200!   200!
GET  /app/billing/invoices/<str:invoice_id>/records.csv  login  404  200    200    200
GET  /app/billing/verify_bill.py                  login   200       200     200    200
# The chat page. Conversations are their own person's: not even the owner reads the member's.
GET  /app/chat/                                   login   200       200     200    200
# Nothing is asked: the form is shown again.
POST /app/chat/send                               login   422       422     422    422
# Without a model of the plan.
POST /app/chat/cost                               login   422       422     422    422
GET  /app/chat/<int:conversation_id>/             login   404       200     404    404
POST /app/chat/<int:conversation_id>/send         login   404       422     404    404
# No message is named.
POST /app/chat/<int:conversation_id>/again        login   404       404     404    404
POST /app/chat/<int:conversation_id>/stop         login   404       404     404    404
POST /app/chat/<int:conversation_id>/branch       login   404       404     404    404
GET  /app/chat/<int:conversation_id>/live/<int:message_id>  login  404  200  404  404
POST /app/chat/<int:conversation_id>/rename       login   404       302!    404    404
POST /app/chat/<int:conversation_id>/delete       login   404       302!    404    404
GET  /app/chat/<int:conversation_id>/code         login   404       200     404    404
GET  /app/chat/<int:conversation_id>/conversation.md    login  404  200     404    404
GET  /app/chat/<int:conversation_id>/conversation.json  login  404  200     404    404
GET  /app/settings/chat/                          login   200       403     200    200
POST /app/settings/chat/                          login   302!      403     403    302!
# A mailed link leads on to the page that asks, which nobody here has come to by a link; a stranger to the site gets a
# session to keep it in.
GET  /app/invitations/                            login   404       404     404    404
POST /app/invitations/                            login   404       404     404    404
GET  /app/invitations/<str:token>                 302!    302       302     302    302
""")
# Forms, where an empty one would not do.
FORMS = {
    "POST /app/billing/company": {"tax_id": "DE1"},
    "POST /app/keys/create": {"name": "Made"},
    "POST /app/keys/<int:api_key_id>/": {"name": "Renamed"},
    "POST /app/keys/<int:api_key_id>/rotate": {"overlap": "3600"},
    "POST /app/settings/webhooks/add": {"url": "http://127.0.0.1:9/hook"},
    "POST /app/settings/webhooks/<int:endpoint_id>/": {"url": "http://127.0.0.1:9/changed"},
    "POST /app/settings/webhooks/<int:endpoint_id>/rotate": {"overlap": "3600"},
    "POST /app/projects/create": {"name": "made"},
    "POST /app/projects/<int:project_id>/": {"name": "renamed"},
    "POST /app/team/invite": {"email": "new@example.com", "role": "member"},
    "POST /app/team/<int:member_id>/role": {"role": "admin"},
    "POST /app/chat/<int:conversation_id>/rename": {"title": "Renamed"},
    "POST /app/billing/cap": {"cap": "5"},
    "POST /app/billing/subscribe": {"plan": "pro_haiku"},
}
