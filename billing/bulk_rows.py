"""Many rows in one statement each: the ledger locks, opens and closes thousands a second.

Django's own ways cost two to ten times as much CPU: a query is compiled anew each time, `bulk_create` writes every
column of every row as a parameter of its own, `bulk_update` builds a CASE per column. Here PostgreSQL takes a column as
one array. docs/decisions/0016.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Row = TypeVar("Row", bound=models.Model)
_Columns = Sequence["models.Field[Any, Any]"]
# The names of prepared statements, by connection.
_prepared: "WeakKeyDictionary[psycopg.Connection[Any], set[bytes]]" = WeakKeyDictionary()


def lock_rows(model: type[Row], *, column: str, values: Collection[int], fields: Sequence[str]) -> list[Row]:
    """Return the rows whose `column` is one of `values`, locked in order of id until the transaction ends.

    Their `fields` are read; any other is looked up when it is asked for.
    """
    if not values:
        return []
    columns = _in_order(model, ("id", *fields))
    sql = _lock_sql(model, column, ("id", *fields)).format(", ".join(["%s"] * len(values)))
    if connection.vendor != "postgresql":  # which locks as a whole, and stores what its fields must convert
        return list(model._default_manager.raw(sql, list(values)))
    names = [each.attname for each in columns]
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FOR UPDATE", list(values))
        return [model.from_db(connection.alias, names, row) for row in cursor.fetchall()]


def ids_where(model: type[models.Model], *, ids: Collection[int], column: str, value: str) -> set[int]:
    """Return those of `ids` whose rows have `value` in a column of text."""
    if not ids:
        return set()
    placeholders = ", ".join(["%s"] * len(ids))
    sql = f"SELECT id FROM {_table(model)} WHERE id IN ({placeholders}) AND {_name(_field(model, column))} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*ids, value])
        return {number for (number,) in cursor.fetchall()}


def insert_rows(rows: Sequence[Row], *, fields: Sequence[str], key: str) -> None:
    """Insert `fields` of every row, leave the other columns to the database, and give the rows their ids.

    `key` names the field, unique, by which a row is known again.
    """
    if not rows:
        return
    if connection.vendor != "postgresql":
        type(rows[0])._default_manager.bulk_create(rows)
        return
    columns = _columns(type(rows[0]), (*fields,))
    with connection.cursor() as cursor:
        cursor.execute(_insert_sql(type(rows[0]), (*fields,), key), _arrays(rows, columns))
        ids = dict(cursor.fetchall())
    for row in rows:
        mark_inserted(row, ids[getattr(row, key)])


def mark_inserted(row: models.Model, row_id: int) -> None:
    """Give a row that is now in the database its id."""
    row.pk = row_id
    row._state.adding, row._state.db = False, connection.alias


def update_rows(rows: Iterable[models.Model], *, fields: Sequence[str]) -> None:
    """Save `fields` of every row, as `save(update_fields=...)` would one by one."""
    rows = list(rows)
    if not rows:
        return
    model = type(rows[0])
    columns = _columns(model, (*fields, "id"))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_update_sql(model, (*fields,)), _arrays(rows, columns))
        else:
            values = list(zip(*_arrays(rows, columns), strict=True))
            cursor.executemany(_update_one_sql(model, (*fields,)), values)


def query_prepared(sql: str, *parameters: str) -> list[list[str | None]]:
    """Run a statement of PostgreSQL's, with $1 and so on for its parameters, and return its rows: all of it as text.

    It is planned once a connection, and sent by libpq itself, since psycopg's cursor would take as much CPU as all
    else. Outside a transaction it commits by itself. Raises django.db's errors.
    """
    connection.ensure_connection()
    database = cast("psycopg.Connection[Any]", connection.connection)
    with connection.wrap_database_errors:
        if not database.autocommit:  # psycopg opens a transaction with its own first statement
            database.execute("SELECT 1")
        name = _statement_name(sql)
        if name not in (prepared := _prepared.setdefault(database, set())):
            _check(database.pgconn.prepare(name, sql.encode()), database)
            prepared.add(name)
        try:
            result = _check(database.pgconn.exec_prepared(name, [each.encode() for each in parameters]), database)
        except psycopg.errors.InvalidSqlStatementName:  # a pooler gave us another connection, or cleared this one
            prepared.discard(name)
            raise
    return [[_text(result, row, column) for column in range(result.nfields)] for row in range(result.ntuples)]


@cache
def _statement_name(sql: str) -> bytes:
    """Name a statement by what it says, so that no other version of it goes by the same name on a server."""
    return b"rgent_" + hashlib.sha256(sql.encode()).hexdigest()[:16].encode()


def _text(result: PGresult, row: int, column: int) -> str | None:
    value = result.get_value(row, column)
    return None if value is None else value.decode()


def _check(result: PGresult, database: "psycopg.Connection[Any]") -> PGresult:
    if database.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(database.pgconn.get_error_message())
    if result.status not in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
        raise psycopg.errors.error_from_result(result)
    return result


def values_of(row: models.Model, fields: Sequence[str]) -> dict[str, Any]:
    """Return a row's values of some fields, by the column's name."""
    return {cast(str, column.column): getattr(row, column.attname) for column in _columns(type(row), (*fields,))}


def table_name(model: type[models.Model]) -> str:
    """Return the name of a model's table, quoted."""
    return _table(model)


def column_names(model: type[models.Model], fields: Sequence[str]) -> str:
    """Return the names of fields' columns as SQL lists them."""
    return ", ".join(map(_name, _columns(model, (*fields,))))


def column_types(model: type[models.Model], fields: Sequence[str]) -> str:
    """Return the names of fields' columns with their types, as SQL defines a row."""
    return ", ".join(f"{_name(column)} {column.db_type(connection)}" for column in _columns(model, (*fields,)))


def assignments(model: type[models.Model], fields: Sequence[str], *, source: str) -> str:
    """Return SQL that sets fields' columns to the columns of the same names in `source`."""
    return ", ".join(f"{_name(column)} = {source}.{_name(column)}" for column in _columns(model, (*fields,)))


def _arrays(rows: Sequence[models.Model], columns: _Columns) -> list[list[Any]]:
    """Return a list for each column, of the values that the database stores, row after row."""
    database = connections[DEFAULT_DB_ALIAS]
    # psycopg takes Python's own types as they are. JSON needs converting, and a decimal is checked: their fields do
    # that.
    prepared = (models.JSONField, models.DecimalField) if database.vendor == "postgresql" else (models.Field,)
    arrays = []
    for column in columns:
        values = [getattr(row, column.attname) for row in rows]
        if isinstance(column, prepared):
            values = [column.get_db_prep_save(value, database) for value in values]
        arrays.append(values)
    return arrays


# The names in these statements are our own models'; every value is a parameter.
@cache
def _lock_sql(model: type[models.Model], column: str, fields: tuple[str, ...]) -> str:
    names = ", ".join(map(_name, _in_order(model, fields)))
    return f"SELECT {names} FROM {_table(model)} WHERE {_name(_field(model, column))} IN ({{}}) ORDER BY id"  # noqa: S608


@cache
def _insert_sql(model: type[models.Model], fields: tuple[str, ...], key: str) -> str:
    columns = _columns(model, fields)
    names = ", ".join(map(_name, columns))
    return (
        f"INSERT INTO {_table(model)} ({names}) SELECT * FROM unnest({_array_types(columns)}) "  # noqa: S608
        f"RETURNING {_name(_field(model, key))}, id"
    )


@cache
def _update_sql(model: type[models.Model], fields: tuple[str, ...]) -> str:
    columns = _columns(model, (*fields, "id"))
    assigned = ", ".join(f"{_name(column)} = new.{_name(column)}" for column in columns[:-1])
    names = ", ".join(map(_name, columns))
    return (
        f"UPDATE {_table(model)} AS old SET {assigned} "  # noqa: S608
        f"FROM unnest({_array_types(columns)}) AS new ({names}) WHERE old.id = new.id"
    )


@cache
def _update_one_sql(model: type[models.Model], fields: tuple[str, ...]) -> str:
    assigned = ", ".join(f"{_name(column)} = %s" for column in _columns(model, fields))
    return f"UPDATE {_table(model)} SET {assigned} WHERE id = %s"  # noqa: S608


@cache
def _in_order(model: type[models.Model], fields: tuple[str, ...]) -> _Columns:
    """Return columns in the order in which a model takes them from the database."""
    return [each for each in cast(Any, model._meta.concrete_fields) if each.name in fields]


@cache
def _columns(model: type[models.Model], fields: tuple[str, ...]) -> _Columns:
    return [_field(model, name) for name in fields]


def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def _array_types(columns: _Columns) -> str:
    return ", ".join(f"%s::{column.db_type(connection)}[]" for column in columns)


def _name(column: "models.Field[Any, Any]") -> str:
    return connection.ops.quote_name(cast(str, column.column))


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
