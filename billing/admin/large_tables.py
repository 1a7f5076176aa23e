"""Pages over tables with millions of rows. They count nothing and search by index."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import Organization
from billing.models import PlanPrice

MAX_PAGES = 1000
MAX_ORGANIZATIONS = 50


class UncountedPaginator(InfinitePaginator):
    """Offers "previous" and "next" without counting rows, which takes seconds on millions.

    It ends at MAX_PAGES, since a deeper OFFSET reads all rows before it. A search reaches further back.
    """

    @cached_property
    def count(self) -> int:
        """Return how many rows may be paged through at most."""
        return MAX_PAGES * int(self.per_page)


class UncountedChangeList(ChangeList):
    """A list without the number of results, which is not counted."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the rows of the page."""
        super().get_results(request)
        self.full_result_count = self.result_count


class LargeTableAdmin(ReadOnlyAdmin):
    """Pages of such a table. `exact_field` is the unique text column, if any, that a search finds a row by."""

    exact_field = ""
    paginator = UncountedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    ordering = ["-id"]
    actions: list[str] | None = None

    search_fields = ["organization__name"]  # has the search box shown; get_search_results does the search

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        """Name the list that shows no figure of results."""
        return UncountedChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Make every field read-only."""
        return flatten_fieldsets(self.fieldsets)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find one row by its unique column, or else the rows of organizations with such a name. Both are indexed."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if self.exact_field and queryset.filter(**{self.exact_field: term}).exists():
            return queryset.filter(**{self.exact_field: term}), False
        organizations = Organization.objects.filter(name__icontains=term).order_by("id").values_list("id", flat=True)
        return queryset.filter(organization_id__in=list(organizations[:MAX_ORGANIZATIONS])), False


class ModelFilter(admin.SimpleListFilter):
    """Filters by Claude model. Offers those that have a price, since asking a large table would read all of it."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the models that are or were on sale."""
        models = PlanPrice.objects.order_by("model").values_list("model", flat=True).distinct()
        return [(model, model) for model in models]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Keep one model's rows."""
        return queryset.filter(model=self.value()) if self.value() else queryset
