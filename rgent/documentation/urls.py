"""Routes of the documentation, under /docs/."""

from django.urls import path

from rgent.documentation import pages

urlpatterns = [
    path("", pages.docs, name="docs"),
    path("search/", pages.search, name="docs_search"),
    path("reference/", pages.reference, name="docs_reference"),
    path("reference/<slug:slug>/", pages.resource_page, name="docs_resource"),
    path("<slug:slug>/", pages.page, name="docs_page"),
]
