"""The answers of Django admin to every role.

`nobody` has not signed in and `customer` is nobody's staff. Of the staff, `staff` has no right at all, `elsewhere` has
every right but those on the table in question, `viewer` has the right to view that table alone, `full` has all rights
there are, and `superuser` needs none. See `table` for cells.
"""

from tests.walk.table import Table, read_table

SITE = read_table("""
                                                nobody  customer  staff  elsewhere  viewer  full  superuser
GET  /admin/                                    login   login     200    200        200     200   200
GET  /admin/login/                              200     200       302    302        302     302   302
POST /admin/login/                              200     200       200    200        200     200   200
GET  /admin/logout/                             302     302       405    405        405     405   405
POST /admin/logout/                             302     302       200    200        200     200   200
GET  /admin/password_change/                    login   login     200    200        200     200   200
POST /admin/password_change/                    login   login     200    200        200     200   200
GET  /admin/password_change/done/               login   login     200    200        200     200   200
GET  /admin/jsi18n/                             login   login     200    200        200     200   200
# Without a field to complete there is nothing to find; test_names_are_completed_for_who_may_view_them has one.
GET  /admin/autocomplete/                       login   login     403    403        403     403   403
GET  /admin/search/                             login   login     200    200        200     200   200
# The tables of billing.
GET  /admin/<app_label>/                        login   login     404    200        404     200   200
GET  /admin/(?P<url>.*)$                        login   login     404    404        404     404   404
# Rows have no pages on the site.
GET  /admin/r/<path:row>                        404     404       404    404        404     404   404
POST /admin/r/<path:row>                        404     404       404    404        404     404   404
GET  /admin/r/<path:content_type_id>/<path:object_id>/  404  404  404    404        404     404   404
""")
TABLES = [
    "account/emailaddress",
    "accounts/apikey",
    "accounts/auditentry",
    "accounts/invitation",
    "accounts/membership",
    "accounts/organization",
    "accounts/termsacceptance",
    "accounts/user",
    "auth/group",
    "billing/billingaccount",
    "billing/creditgrant",
    "billing/creditnote",
    "billing/customerendpoint",
    "billing/dailyusage",
    "billing/discrepancy",
    "billing/dispute",
    "billing/eventdelivery",
    "billing/invoicehold",
    "billing/lateusage",
    "billing/meterevent",
    "billing/modelcard",
    "billing/modelcost",
    "billing/modelretirement",
    "billing/noticemail",
    "billing/plan",
    "billing/planmove",
    "billing/planprice",
    "billing/promotion",
    "billing/stop",
    "billing/usagerecord",
    "djstripe/customer",
    "djstripe/event",
    "djstripe/invoice",
    "djstripe/subscription",
    "djstripe/webhookeventtrigger",
    "mfa/authenticator",
]
# The pages of every table. Nobody adds, changes or deletes a row, but where a line below says so.
EACH = read_table("""
                                                nobody  customer  staff  elsewhere  viewer  full  superuser
GET  /admin/<table>/                            login   login     403    403        200     200   200
GET  /admin/<table>/<path:object_id>/           login   login     302    302        302     302   302
GET  /admin/<table>/<path:object_id>/change/    login   login     403    403        200     200   200
POST /admin/<table>/<path:object_id>/change/    login   login     403    403        403     403   403
GET  /admin/<table>/<path:object_id>/history/   login   login     403    403        200     200   200
GET  /admin/<table>/<path:object_id>/delete/    login   login     403    403        403     403   403
POST /admin/<table>/<path:object_id>/delete/    login   login     403    403        403     403   403
GET  /admin/<table>/add/                        login   login     403    403        403     403   403
POST /admin/<table>/add/                        login   login     403    403        403     403   403
""")
# Exceptions: forms, actions and pages of a table's own. A 200 to a POST is its form again, or its list, untouched.
SOME = read_table("""
                                                                nobody customer staff elsewhere viewer full superuser
# Rights, and who a person is, are a superuser's to give.
POST /admin/auth/group/<path:object_id>/change/                 login  login    403   403       403    403  302!
GET  /admin/auth/group/<path:object_id>/delete/                 login  login    403   403       403    403  200
POST /admin/auth/group/<path:object_id>/delete/                 login  login    403   403       403    403  302!
GET  /admin/auth/group/add/                                     login  login    403   403       403    403  200
POST /admin/auth/group/add/                                     login  login    403   403       403    403  302!
POST /admin/auth/group/ delete_selected                         login  login    403   403       200    200  302!
POST /admin/account/emailaddress/<path:object_id>/change/       login  login    403   403       403    403  200
GET  /admin/account/emailaddress/<path:object_id>/delete/       login  login    403   403       403    403  200
POST /admin/account/emailaddress/<path:object_id>/delete/       login  login    403   403       403    403  302!
GET  /admin/account/emailaddress/add/                           login  login    403   403       403    403  200
POST /admin/account/emailaddress/add/                           login  login    403   403       403    403  200
POST /admin/account/emailaddress/ delete_selected               login  login    403   403       200    200  302!
POST /admin/account/emailaddress/ mark_verified                 login  login    403   403       200    200  302!
GET  /admin/mfa/authenticator/<path:object_id>/delete/          login  login    403   403       403    403  200
POST /admin/mfa/authenticator/<path:object_id>/delete/          login  login    403   403       403    403  302!
POST /admin/mfa/authenticator/ delete_selected                  login  login    403   403       200    200  302!
POST /admin/accounts/user/<path:object_id>/change/              login  login    403   403       403    200  200
GET  /admin/accounts/user/<id>/password/                        login  login    403   403       403    200  200
POST /admin/accounts/user/<id>/password/                        login  login    403   403       403    200  200
GET  /admin/accounts/user/add/                                  login  login    403   403       403    200  200
POST /admin/accounts/user/add/                                  login  login    403   403       403    200  200
POST /admin/accounts/user/ delete_selected                      login  login    403   403       200    200  200

# Customers.
POST /admin/accounts/membership/<path:object_id>/change/        login  login    403   403       403    200  200
GET  /admin/accounts/membership/add/                            login  login    403   403       403    200  200
POST /admin/accounts/membership/add/                            login  login    403   403       403    302! 302!
POST /admin/accounts/membership/ delete_selected                login  login    403   403       200    200  200
POST /admin/accounts/invitation/<path:object_id>/change/        login  login    403   403       403    302! 302!
GET  /admin/accounts/invitation/<path:object_id>/delete/        login  login    403   403       403    200  200
POST /admin/accounts/invitation/<path:object_id>/delete/        login  login    403   403       403    302! 302!
POST /admin/accounts/invitation/ delete_selected                login  login    403   403       200    302! 302!
POST /admin/accounts/apikey/ delete_selected                    login  login    403   403       200    302  302
POST /admin/accounts/apikey/ revoke_selected                    login  login    403   403       200    302! 302!
GET  /admin/accounts/apikey/<path:object_id>/revoke/            login  login    403   403       403    200  200
POST /admin/accounts/apikey/<path:object_id>/revoke/            login  login    403   403       403    302! 302!
GET  /admin/accounts/organization/<path:object_id>/look/         login  login    403   403       403    200  200
POST /admin/accounts/organization/<path:object_id>/look/         login  login    403   403       403    200  200
POST /admin/accounts/organization/ delete_selected              login  login    403   403       200    200  200
GET  /admin/accounts/organization/^([^/]+)/history/([^/]+)/$    login  login    403   403       200    200  200
POST /admin/accounts/organization/^([^/]+)/history/([^/]+)/$    login  login    403   403       403    403  403

# Billing. The first plan is the free trial, which is never published: Stripe is not asked.
POST /admin/billing/billingaccount/<path:object_id>/change/     login  login    403   403       403    302! 302!
GET  /admin/billing/stop/add/                                   login  login    403   403       403    200  200
POST /admin/billing/stop/add/                                   login  login    403   403       403    200  200
POST /admin/billing/stop/ delete_selected                       login  login    403   403       200    302  302
POST /admin/billing/stop/ lift                                  login  login    403   403       200    302! 302!
# Credits and codes of rows that are over, so that Stripe is not asked. An empty form is shown again.
GET  /admin/billing/creditgrant/add/                            login  login    403   403       403    200  200
POST /admin/billing/creditgrant/add/                            login  login    403   403       403    200  200
POST /admin/billing/creditgrant/ delete_selected                login  login    403   403       200    302  302
POST /admin/billing/creditgrant/ end                            login  login    403   403       200    302  302
GET  /admin/billing/creditnote/add/                             login  login    403   403       403    200  200
POST /admin/billing/creditnote/add/                             login  login    403   403       403    200  200
GET  /admin/billing/promotion/add/                              login  login    403   403       403    200  200
POST /admin/billing/promotion/add/                              login  login    403   403       403    200  200
POST /admin/billing/promotion/ delete_selected                  login  login    403   403       200    302  302
POST /admin/billing/promotion/ switch_off                       login  login    403   403       200    302  302
POST /admin/billing/promotion/ switch_on                        login  login    403   403       200    302  302
POST /admin/billing/dispute/ delete_selected                    login  login    403   403       200    302  302
POST /admin/billing/dispute/ give_access_back                   login  login    403   403       200    302  302
POST /admin/billing/discrepancy/ delete_selected                login  login    403   403       200    302  302
GET  /admin/billing/discrepancy/reconcile/                      login  login    403   403       403    200  200
# A POST compares; it names no organization that there is, so that Stripe is not asked.
POST /admin/billing/discrepancy/reconcile/                      login  login    403   403       403    200  200
POST /admin/billing/discrepancy/ resolve                        login  login    403   403       200    302! 302!
# The hold is released already, so that Stripe is not asked.
POST /admin/billing/invoicehold/ delete_selected                login  login    403   403       200    302  302
POST /admin/billing/invoicehold/ release                        login  login    403   403       200    302  302
POST /admin/billing/meterevent/ delete_selected                 login  login    403   403       200    302  302
POST /admin/billing/meterevent/ send_again                      login  login    403   403       200    302! 302!
POST /admin/billing/meterevent/ mark_as_sent                    login  login    403   403       200    302! 302!
POST /admin/billing/modelcard/<path:object_id>/change/          login  login    403   403       403    200  200
GET  /admin/billing/modelcard/<path:object_id>/delete/          login  login    403   403       403    200  200
POST /admin/billing/modelcard/<path:object_id>/delete/          login  login    403   403       403    302! 302!
GET  /admin/billing/modelcard/add/                              login  login    403   403       403    200  200
POST /admin/billing/modelcard/add/                              login  login    403   403       403    200  200
POST /admin/billing/modelcard/ delete_selected                  login  login    403   403       200    302! 302!
GET  /admin/billing/modelcard/^([^/]+)/history/([^/]+)/$        login  login    403   403       200    200  200
POST /admin/billing/modelcard/^([^/]+)/history/([^/]+)/$        login  login    403   403       403    403  403
GET  /admin/billing/modelcost/numbers.csv                       login  login    403   403       403    200  200
POST /admin/billing/modelcost/numbers.csv                       login  login    403   403       403    200  200
POST /admin/billing/modelcost/<path:object_id>/change/          login  login    403   403       403    200  200
GET  /admin/billing/modelcost/<path:object_id>/delete/          login  login    403   403       403    200  200
POST /admin/billing/modelcost/<path:object_id>/delete/          login  login    403   403       403    302! 302!
GET  /admin/billing/modelcost/add/                              login  login    403   403       403    200  200
POST /admin/billing/modelcost/add/                              login  login    403   403       403    200  200
POST /admin/billing/modelcost/ delete_selected                  login  login    403   403       200    302! 302!
GET  /admin/billing/modelcost/^([^/]+)/history/([^/]+)/$        login  login    403   403       200    200  200
POST /admin/billing/modelcost/^([^/]+)/history/([^/]+)/$        login  login    403   403       403    403  403
POST /admin/billing/modelretirement/<path:object_id>/change/    login  login    403   403       403    200  200
GET  /admin/billing/modelretirement/<path:object_id>/delete/    login  login    403   403       403    200  200
POST /admin/billing/modelretirement/<path:object_id>/delete/    login  login    403   403       403    302! 302!
GET  /admin/billing/modelretirement/add/                        login  login    403   403       403    200  200
POST /admin/billing/modelretirement/add/                        login  login    403   403       403    200  200
POST /admin/billing/modelretirement/ delete_selected            login  login    403   403       200    302! 302!
GET  /admin/billing/modelretirement/^([^/]+)/history/([^/]+)/$  login  login    403   403       200    200  200
POST /admin/billing/modelretirement/^([^/]+)/history/([^/]+)/$  login  login    403   403       403    403  403
GET  /admin/billing/plan/add/                                   login  login    403   403       403    200  200
POST /admin/billing/plan/add/                                   login  login    403   403       403    200  200
POST /admin/billing/plan/<path:object_id>/change/               login  login    403   403       403    200  200
POST /admin/billing/plan/ delete_selected                       login  login    403   403       200    302  302
POST /admin/billing/plan/ publish_selected                      login  login    403   403       200    302  302
GET  /admin/billing/plan/<path:object_id>/publish/              login  login    403   403       403    200  200
POST /admin/billing/plan/<path:object_id>/publish/              login  login    403   403       403    302  302
GET  /admin/billing/plan/^([^/]+)/history/([^/]+)/$             login  login    403   403       200    200  200
POST /admin/billing/plan/^([^/]+)/history/([^/]+)/$             login  login    403   403       403    403  403
# The free trial has no subscribers, and is copied for nobody.
GET  /admin/billing/plan/<path:object_id>/copy/                 login  login    403   403       403    200  200
POST /admin/billing/plan/<path:object_id>/copy/                 login  login    403   403       403    200  200
GET  /admin/billing/plan/<path:object_id>/move_subscribers/     login  login    403   403       403    404  404
POST /admin/billing/plan/<path:object_id>/move_subscribers/     login  login    403   403       403    404  404
POST /admin/billing/planmove/ delete_selected                   login  login    403   403       200    302  302
# The move has lapsed: nothing can be done about it.
POST /admin/billing/planmove/ call_off                          login  login    403   403       200    302  302
POST /admin/billing/planmove/ take_back_now                     login  login    403   403       200    302  302
POST /admin/billing/planmove/ take_back_later                   login  login    403   403       200    302  302
POST /admin/billing/planprice/ delete_selected                  login  login    403   403       200    302  302
POST /admin/billing/planprice/ withdraw                         login  login    403   403       200    302! 302!
POST /admin/billing/planprice/ restore                          login  login    403   403       200    302! 302!
GET  /admin/djstripe/invoice/accounting/                        login  login    403   403       403    403  200
POST /admin/djstripe/invoice/accounting/                        login  login    403   403       403    403  200
GET  /admin/billing/planprice/^([^/]+)/history/([^/]+)/$        login  login    403   403       200    200  200
POST /admin/billing/planprice/^([^/]+)/history/([^/]+)/$        login  login    403   403       403    403  403
""")
ADMIN: Table = {
    **SITE,
    **{call.replace("<table>", name): cells for call, cells in EACH.items() for name in TABLES},
    **SOME,
}
