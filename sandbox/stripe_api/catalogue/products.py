"""Products: the things that prices sell (https://docs.stripe.com/api/products)."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_TEXTS = (
    "description",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
    "shippable",
    "images",
    "marketing_features",
)
_COMMON = f"active metadata name {' '.join(_TEXTS)}"


@endpoint("POST", "/v1/products", "ProductCreateParams", f"id type {_COMMON}")
def create(world: World, params: Params) -> Json:
    """Create a product, under an id of the caller's choice if one is given."""
    product_id = params.get("id") or ids.new("prod", length=14)
    if world.store.get_any(product_id):
        raise InvalidRequest("Product already exists.", code="resource_already_exists", param="id")
    return world.add(_product(world, product_id, params), event="product.created")


@endpoint("GET", "/v1/products/{product}", "ProductRetrieveParams")
def retrieve(world: World, params: Params, product: str) -> Json:
    """Return one product."""
    return world.get("product", product)


@endpoint("POST", "/v1/products/{product}", "ProductUpdateParams", f"default_price {_COMMON}")
def update(world: World, params: Params, product: str) -> Json:
    """Change a product. Its default price must be an active price of its own."""
    doc = world.get("product", product)
    changes = fields.given(params, "name", "active", "default_price", *_TEXTS)
    changes |= fields.changed_metadata(params, doc)
    if changes.get("default_price"):
        _check_default_price(world, doc, changes["default_price"])
    return world.change(doc, event="product.updated", updated=world.now, **changes)


@endpoint("DELETE", "/v1/products/{product}", "ProductDeleteParams")
def delete(world: World, params: Params, product: str) -> Json:
    """Delete a product. Raises InvalidRequest where it has prices."""
    doc = world.get("product", product)
    if world.find("price", product=product):
        raise InvalidRequest("This product cannot be deleted because it has one or more user-created prices.")
    world.store.delete(product)
    world.emit("product.deleted", doc)
    return {"id": product, "object": "product", "deleted": True}


@endpoint("GET", "/v1/products", "ProductListParams", f"{LISTING} active created ids shippable url")
def list_all(world: World, params: Params) -> Json:
    """List products, newest first."""
    filters = {name: params.get(name) for name in ("active", "created", "shippable", "url")}
    return lists.listing(world, "product", params, url="/v1/products", filters={**filters, "id": params.get("ids")})


@endpoint("GET", "/v1/products/{product}/features", "ProductFeatureListParams", LISTING)
def list_features(world: World, params: Params, product: str) -> Json:
    """List a product's entitlement features: the sandbox has none."""
    world.get("product", product)
    return lists.sublist([], url=f"/v1/products/{product}/features", params=params)


def _product(world: World, product_id: str, params: Params) -> Json:
    return {
        "id": product_id,
        "object": "product",
        "active": params.get("active", True),
        "created": world.now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": fields.metadata(params.get("metadata")),
        "name": params["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": params.get("type", "service"),
        "unit_label": None,
        "updated": world.now,
        "url": None,
        **fields.given(params, *_TEXTS),
    }


def _check_default_price(world: World, product: Json, price_id: str) -> None:
    price = world.get("price", price_id, param="default_price")
    if price["product"] != product["id"] or not price["active"]:
        raise InvalidRequest("The default price must be an active price of this product.", param="default_price")
