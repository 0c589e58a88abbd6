"""What is said of a pipeline file that is wrong: each error in its place, with what to do, and all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.config.redshift import LONGEST_NAMES
from sluice.errors import ConfigError
from sluice.hashes import pipeline_hash
from sluice.pipeline_file import PipelineFileError, parse_pipeline
from sluice.spec import MOST_LEVELS, Pipeline
from sluice.warehouse.redshift.tables import LONGEST_NAME, Helper, Place
from tests.factories import a_pipeline_text, a_plan

PUBLISHING = Path(__file__).parents[2] / "dags" / "pipelines" / "publishing.yml"
FILE = Path("publishing.yml")


def outcome(text: str) -> Pipeline | PipelineFileError:
    """Read a text. Any exception that is not made for people fails the test."""
    try:
        return parse_pipeline(text, FILE)
    except PipelineFileError as error:
        return error


def errors(text: str) -> list[str]:
    """What is said of a wrong file, without its name and places."""
    error = outcome(text)
    assert isinstance(error, PipelineFileError)
    return [f"{found.key}: {found.text}" for found in error.found]


def errors_of_documents(text: str) -> list[str]:
    """What is said of the one collection that a flow mapping describes."""
    found = errors(a_pipeline_text(collections=f"{{documents: {{{text}}}}}"))
    return [error.removeprefix("collections.documents.") for error in found]


# --- what is said of a wrong file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"pipelin": "a"}, "pipelin: there is no key 'pipelin' here: did you mean pipeline?"),
        ({"bucket": "a"}, "bucket: there is no key 'bucket' here: it belongs under landing; look at the indentation"),
        ({"pipeline": None}, "pipeline: is missing: add `pipeline: …` at the top level"),
        ({"source": "{conn_id: a}"}, "source.database: is missing: add `database: …` under source"),
        (
            {"source": "{conn_id: a, database: b, max_documents_per_second: 0}"},
            "source.max_documents_per_second: 0 would read nothing: write a whole number from 1, or leave the line out",
        ),
        (
            {"source": "{conn_id: a, database: b, max_documents_per_second: 1.5}"},
            "source.max_documents_per_second: takes a whole number, found the number 1.5",
        ),
        (
            {"source": "{conn_id: a, database: b, max_time_ms: 10m}"},
            "source.max_time_ms: takes a whole number, found '10m'",
        ),
        (
            {"source": "{conn_id: a, database: b, read_preference: secundary}"},
            "source.read_preference: cannot be 'secundary': did you mean secondary?",
        ),
        ({"source": "mongo"}, "source: takes a mapping, with lines of `key: value` indented below it, found 'mongo'"),
        ({"source": ""}, "source: has no value: write one, indent what belongs to it by two spaces more"),
        ({"pipeline": "5"}, 'pipeline: takes a text, found the number 5: if you mean it, put it in quotes, "5"'),
        ({"pipeline": "true"}, 'pipeline: takes a text, found true: if you mean it, put it in quotes, "true"'),
        ({"pipeline": "a-b"}, "pipeline: 'a-b' is not a name for the warehouse: use letters, digits and _"),
        ({"pipeline": "a" * 64}, "…' is not a name for the warehouse"),
        ({"pipeline": "a__b"}, "pipeline: Sluice uses __ in names of its own"),
        ({"schedule": "5"}, "schedule: takes a text, found the number 5"),
        ({"schedule": "'* * * *'"}, "schedule: '* * * *' is not a schedule: write five cron fields"),
        ({"schedule": "61 * * * *"}, "schedule: '61' cannot be the minute: write * or 0 to 59"),
        ({"schedule": "5 * * * mon-sun-tue"}, "schedule: 'mon-sun-tue' cannot be the day of the week"),
        ({"schedule": "5 9-5 * * *"}, "schedule: '9-5' cannot be the hour"),
        ({"schedule": "'@dialy'"}, "schedule: '@dialy' is not a schedule: did you mean @daily?"),
        ({"schedule": "'@continuous'"}, "schedule: @continuous needs a change stream: set capture.mode to change_str"),
        ({"maintenance": "{vacuum: {keep: 59m}}"}, "maintenance.vacuum.keep: a query or a batch that is under way"),
        (
            {"maintenance": "{vacuum: {schedule: '@continuous'}}"},
            "maintenance.vacuum.schedule: a vacuum that never ends",
        ),
        ({"schedule": "'@once'"}, "schedule: '@once' is not a schedule: use one of: @hourly"),
        ({"source": "{conn_id: a b, database: c}"}, "source.conn_id: 'a b' is not the id of a connection"),
        ({"source": "{conn_id: a, database: a/b}"}, "source.database: 'a/b' is not the name of a MongoDB database"),
        (
            {"source": "{conn_id: a, database: b, password: c}"},
            "source.password: there is no key 'password' here: addr",
        ),
        ({"landing": "{conn_id: a, bucket: ab}"}, "landing.bucket: 'ab' is not the name of a bucket: use 3 to 63"),
        ({"landing": "{conn_id: a, bucket: Abc}"}, "landing.bucket: 'Abc' is not the name of a bucket"),
        ({"landing": "{conn_id: a, bucket: a..b}"}, "landing.bucket: 'a..b' is not the name of a bucket"),
        ({"landing": "{conn_id: a, bucket: 10.0.0.1}"}, "landing.bucket: '10.0.0.1' is not the name of a bucket"),
        ({"landing": "{conn_id: a, bucket: abc, prefix: /a b}"}, "landing.prefix: '/a b' is not a prefix of S3 keys"),
        (
            {"warehouse": "{kind: clikhouse, conn_id: a, schema: b}"},
            "warehouse.kind: cannot be 'clikhouse': did you mean",
        ),
        (
            {"landing": "{conn_id: a, bucket: landing, format: csv}"},
            "landing.format: csv is for Redshift: remove it",
        ),
        (
            {
                "warehouse": "{kind: redshift, conn_id: a, schema: b}",
                "landing": "{conn_id: a, bucket: landing, format: parquet}",
                "collections": "{documents: {redshift: {copy_options: {acceptinvchars: '?', maxerror: 2}}}}",
            },
            "documents.redshift.copy_options.maxerror: COPY does not take it for parquet: remove it, or set",
        ),
        (
            {"landing": "{conn_id: a, bucket: landing, format: cvs}"},
            "landing.format: cannot be 'cvs': did you mean csv?",
        ),
        (
            {"warehouse": "{kind: clickhouse, conn_id: a, schema: sluice}"},
            "warehouse.schema: 'sluice' belongs to Sluice",
        ),
        ({"capture": "{mode: stream}"}, "capture.mode: cannot be 'stream': did you mean change_stream?"),
        ({"capture": "{mode: change_stream, lag: 5s}"}, "capture.lag: is of mode modified, a change stream has none"),
        (
            {"capture": "{mode: change_stream}", "collections": "{documents: {deletes: reconcile}}"},
            "collections.documents.deletes: the change stream has the deletes: write stream, or none to keep",
        ),
        ({"capture": "{lag: 5}"}, "capture.lag: the number 5 is not a duration: write 5s, 2m or 1h30m"),
        ({"capture": "{lag: 5 minutes}"}, "capture.lag: '5 minutes' is not a duration"),
        ({"capture": "{lag: -5s}"}, "capture.lag: '-5s' is not a duration"),
        ({"rejects": "{limit: 1%}"}, "rejects.limit: takes a number, found '1%': write it without quotes, as 0.01"),
        ({"rejects": "{limit: 1.5}"}, "rejects.limit: 1.5 is neither a share nor a count: write a share, 0.01"),
        ({"rejects": "{limit: -1}"}, "rejects.limit: -1.0 is neither a share nor a count"),
        ({"rejects": "{limit: 1e999}"}, "rejects.limit: inf is neither a share nor a count"),
        ({"schedule": "'@hourly'", "freshness": "soon"}, "freshness.limit: 'soon' is not a duration"),
        ({"freshness": "15m"}, "freshness: is watched by the runs of a schedule, and there is none: write one"),
        (
            {"schedule": "'@hourly'", "freshness": "{limit: 1h, notify: mail}"},
            "freshness.notify: 'mail' is not the name of a class: write its module and its name, with dots",
        ),
        ({"collections": "{}"}, "collections: takes at least one collection, as documents"),
        ({"collections": "[documents]"}, "collections: takes a mapping, with lines of `key: value` indented below it"),
        ({"collections": "{documents: null}"}, "collections.documents: takes a mapping"),
        ({"collections": "{fs.files: {}}"}, "collections.\"fs.files\": 'fs.files' is not a name for a table"),
        ({"collections": "{_views: {}}"}, "collections._views: the table _views holds __ or starts with _"),
        ({"collections": "{Tickets: {}, tickets: {}}"}, "collections.tickets: the table tickets is also made by"),
    ],
)
def test_one_wrong_thing_is_one_error_that_says_what_to_do(overrides: dict[str, str | None], said: str) -> None:
    (error,) = errors(a_pipeline_text(**overrides))
    assert said in error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modfied: a", "modfied: there is no key 'modfied' here: did you mean modified?"),
        ("modified: a..b", "modified: 'a..b' is not the path of a field: write field or outer.inner"),
        ("modified: a, columns: {a: date}", 'modified: the column "a" is date: the modified field must be a timestamp'),
        ("deletes: soft:a..b", "deletes: "),
        ("deletes: stream", "deletes: needs a change stream: set capture.mode to change_stream, or write reconcile"),
        ("deletes: recncile", "deletes: 'recncile' is not a way to find deletes: did you mean reconcile?"),
        ("unknown_fields: kep", "unknown_fields: cannot be 'kep': did you mean keep?"),
        ("transform: os", "transform: 'os' is not the address of a function: write module:function"),
        ("columns: [a]", "columns: takes a mapping"),
        ("columns: {a: strng(5)}", "columns.a.type: unknown type 'strng(5)': did you mean string(n)?"),
        ("columns: {a: 5}", "columns.a: takes a type or a mapping, found the number 5: write string(255), or"),
        ("columns: {a: {type: 5}}", "columns.a.type: takes a type, found the number 5"),
        ("columns: {a: {tpye: text}}", "columns.a.tpye: there is no key 'tpye' here: did you mean type?"),
        ("columns: {a: {name: b}}", "columns.a.type: is missing"),
        ("columns: {a: {type: bool, on_error: nul}}", "columns.a.on_error: cannot be 'nul': did you mean null?"),
        ("columns: {a: {type: bool, on_error: truncate}}", "columns.a.on_error: truncate means nothing for bool: use"),
        ("columns: {a: {type: text, name: 1a}}", "columns.a.name: '1a' is not a name for the warehouse"),
        ("columns: {größe: text}", "columns.größe: cannot be the name of a column: give it one, as name: gr_e"),
        ("columns: {a b.c: text}", 'columns."a b.c": cannot be the name of a column: give it one, as name: a_b_c'),
        ("columns: {$a: text}", "columns.\"$a\": '$a' is not the path of a field"),
        ("columns: {_hash: text}", "columns._hash: _hash is a column of Sluice's own: give this one another name"),
        ("columns: {a: {type: text, name: _EXTRA}}", "columns.a: _EXTRA is a column of Sluice's own"),
        ("columns: {a.b: text, a_b: text}", 'columns.a_b: the column a_b is also made of "a.b": give one of them'),
        ("columns: {a: text, A: text}", 'columns.A: the column A is also made of "a"'),
        ("columns: {a.b.c: text, a: json}", 'columns."a.b.c": stands inside "a", which is declared too: remove one'),
        ("columns: {a: text, a: bool}", "columns.a: the key stands here twice, also in line 5: remove one"),
        ("columns: {_id: float64}", "columns._id.type: a key cannot be float64: use one of key, objectid, string"),
        ("columns: {_id: {type: key, on_error: null}}", "columns._id.on_error: a repaired key could be another doc"),
        ("columns: {a: text}, children: {a: text}", "children.a: is declared under columns and under children"),
        ("columns: {a: text}, children: {a.b: text}", 'children."a.b": stands inside "a", which is declared too'),
        ("children: {_id: {type: text, name: ids}}", "children._id: is declared under columns and under children"),
        (
            "children: {a: {type: bool, on_error: replace}}",
            "children.a.on_error: replace means nothing for bool: use one",
        ),
        ("children: {a: {columns: {b: {type: bool, on_error: replace}}}}", "columns.b.on_error: replace means nothing"),
        ("children: {a: {columns: {b: json, b.c: text}}}", 'children.a.columns."b.c": stands inside "b", which is'),
        ("children: {a: {}}", "children.a: an array needs either type or columns: write type for plain values"),
        ("children: {a: {type: text, columns: {b: text}}}", "children.a: an array needs either type or columns"),
        ("children: {a: {type: null}}", "children.a: an array needs either type or columns"),
        ("children: {a: {columns: null}}", "children.a: an array needs either type or columns"),
        ("children: {a: {columns: {}}}", "children.a.columns: is empty: declare a field of the documents"),
        ("children: {a: {columns: {b: text}, on_error: null}}", "children.a.on_error: belongs to a single column"),
        (
            "children: {a: {columns: {ordinal: text}}}",
            "children.a.columns.ordinal: ordinal is a column of Sluice's own",
        ),
        ("children: {a b: text}", 'children."a b": cannot be the name of a table: give it one, as name: a_b'),
        ("children: {a: {type: text, children: {b: text}}}", "children.a: an array needs either type or columns"),
        ("children: {a: {children: {}}}", "children.a: an array needs either type or columns"),
        ("children: {a: {columns: {b: json}, children: {b.c: text}}}", 'a.children."b.c": stands inside "b", which is'),
        ("children: {a: {children: {b: {columns: {c: json}, type: text}}}}", "a.children.b: an array needs either"),
        ("children: {a: {children: {b: {}}}}", "children.a.children.b: an array needs either type or columns"),
        (
            "children: {a: {children: {b: text, c: {type: text, name: a_b}}}}",
            "is also made by collections.documents.ch",
        ),
        ("children: {a: {children: {b c: text}}}", 'a.children."b c": cannot be the name of a table: give it one, as'),
        ("children: {a: {name: ' ', children: {b: text}}}", "children.a.name: ' ' is not a name for the warehouse"),
        (
            "children: {a: {children: {b: {columns: {ordinal_1: text}}}}}",
            "b.columns.ordinal_1: ordinal_1 is a column of Sluice's own",
        ),
        (
            "children: {a: {children: {b: {columns: {c: {type: bool, on_error: replace}}}}}}",
            "children.a.children.b.columns.c.on_error: replace means nothing",
        ),
        ("children: {a: {children: {b: {type: text, nmae: c}}}}", "there is no key 'nmae' here: did you mean name?"),
        (
            "children: {a: {type: text, depth: 0}}",
            "children.a.depth: 0 is no number of arrays inside each other: write",
        ),
        ("children: {a: {type: text, depth: 2.0}}", "children.a.depth: takes a whole number"),
        ("children: {a: {type: text, depth: 100}}", "children.a.depth: 100 is no number of arrays"),
        (
            "children: {a: {columns: {n: text}, depth: 99, children: {b: text}}}",
            "children.a.children.b: 100 arrays inside each other, and 99 are the most: write type: json further out",
        ),
        ("children: {" + "a" * 60 + ": text}", "has more than 63 letters: give the child a shorter name"),
        ("clickhouse: {order_by: _id}", "clickhouse.order_by: takes a list, [a, b], found '_id'"),
        ("clickhouse: {order_by: [5, _id]}", "clickhouse.order_by.0: takes a text, found the number 5"),
        ("clickhouse: {order_by: [ids, _id]}", "clickhouse.order_by: there is no column 'ids': did you mean _id?"),
        ("clickhouse: {order_by: [_id, _id]}", "clickhouse.order_by: _id stands here twice: remove one"),
        ("columns: {a: text}, clickhouse: {order_by: [a]}", "order_by: lacks the key, by which versions are found: w"),
        ("columns: {a.b: text}, clickhouse: {low_cardinality: [a.b]}", "no column 'a.b': its column is a_b"),
        ("columns: {a: bool}, clickhouse: {low_cardinality: [a]}", "low_cardinality: a is bool: only texts are"),
        ("clickhouse: {skip_indexes: {a: minmax}}", "clickhouse.skip_indexes: there is no column 'a'"),
        (
            "clickhouse: {skip_indexes: {_id: st(5)}}",
            "skip_indexes._id: 'st(5)' is not a type of skip index: did you mean",
        ),
        ("clickhouse: {skip_indexes: {_id: set}}", "skip_indexes._id: 'set' has the wrong parameters: write minmax"),
        ("clickhouse: {skip_indexes: {_id: bloom_filter(2)}}", "'bloom_filter(2)' has the wrong parameters"),
        ("clickhouse: {partition_by: toYear(a)}", "clickhouse.partition_by: there is no column 'a': use one of: _id"),
        ("clickhouse: {partition_by: toYaer(_id)}", "clickhouse.partition_by: there is no function 'toYaer': did you"),
        ("clickhouse: {partition_by: 'toYear(_id); DROP'}", "partition_by: ';' cannot stand in 'toYear(_id); DROP'"),
        ("clickhouse: {partition_by: 'lower(_id'}", "clickhouse.partition_by: the expression ends too early"),
        ("clickhouse: {partition_by: 'lower(_id) _id'}", "clickhouse.partition_by: '_id' is too much in"),
        ("clickhouse: {partition_by: 'lower(,_id)'}", "clickhouse.partition_by: a value is missing before ','"),
        ("clickhouse: {partition_by: 'modulo(1 2)'}", "clickhouse.partition_by: '2' stands where a comma"),
        ("clickhouse: {partition_by: '" + "(" * 201 + "'}", "is too long for a partition: write a function"),
        ("clickhouse: {partition_by: '5'}", "clickhouse.partition_by: '5' names no column"),
        ("redshift: {distkey: a}", "redshift.distkey: there is no column 'a': use one of: _id"),
        ("redshift: {sortkey: [a]}", "redshift.sortkey: there is no column 'a': use one of: _id"),
        ("columns: {a: json}, redshift: {sortkey: [a]}", "redshift.sortkey: a is json, a SUPER there, which cannot"),
        ("redshift: {encode: {a: zstd}}", "redshift.encode: there is no column 'a': use one of: _id"),
        ("redshift: {encode: {_id: zst}}", "redshift.encode._id: 'zst' is not an encoding of Redshift's: did you mean"),
        ("redshift: {encode: {_id: az64}}", "redshift.encode._id: az64 is not for key: use one of raw, zstd, lzo"),
        (
            "redshift: {copy_options: {max_error: 1}}",
            "copy_options.max_error: there is no key 'max_error' here: did you mean maxerror?",
        ),
        (
            "redshift: {copy_options: {maxerror: 100001}}",
            "100001 is not a number of rows that COPY may refuse: write",
        ),
        ("redshift: {copy_options: {maxerror: -1}}", "-1 is not a number of rows that COPY may refuse: write 0 to"),
        ("redshift: {copy_options: {maxerror: '1'}}", "takes a whole number, found '1': write it without quotes, as"),
        ("redshift: {copy_options: {acceptanydate: 'yes'}}", "takes true or false, found 'yes': write it without"),
        ("redshift: {copy_options: {acceptinvchars: '??'}}", "'??' is not one ASCII character: write one such as"),
        ("redshift: {copy_options: {acceptinvchars: é}}", "'é' is not one ASCII character: write one such as"),
        ("redshift: {sortkeys: [_id]}", "redshift.sortkeys: there is no key 'sortkeys' here: did you mean sortkey?"),
    ],
)
def test_one_wrong_thing_in_a_collection_is_one_error(text: str, said: str) -> None:
    (error,) = errors_of_documents(text)
    assert said in error


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("a: {type: key, references: document}", "columns.a.references: there is no collection 'document' in this fil"),
        ("a: {type: key, references: document}", "did you mean documents?"),
        ("a: {type: key, references: plain}", "references: plain has no numeric keys: add `surrogate_key: true` to it"),
        (
            "a: {type: objectid, references: documents}",
            "columns.a.references: the ids of documents are key, this column is objectid: give both the same type",
        ),
        ("a: {type: string(5), references: texts}", "the ids of texts are string(9), this column is string(5)"),
        ("a: {type: key, references: 5}", "columns.a.references: takes a text, found the number 5"),
        (
            "a: {type: key, references: documents}, a_key: int64",
            'the column a_key is also made of "a_key": give one of',
        ),
        (
            "a.b: {type: key, references: documents}, c: {type: int64, name: A_b_key}",
            'the column a_b_key is also made of "c": give one of them another name',
        ),
        (f"{'a' * 60}: {{type: key, references: documents}}", "has more than 63 letters: give this column a shorter"),
        ("_key: int64", "_key is a column of Sluice's own: give this one another name, as name: source_key"),
    ],
)
def test_a_wrong_reference_is_one_error(columns: str, said: str) -> None:
    others = "documents: {surrogate_key: true}, plain: {}, texts: {surrogate_key: true, columns: {_id: string(9)}}"
    (error,) = errors(a_pipeline_text(collections=f"{{{others}, tickets: {{columns: {{{columns}}}}}}}"))

    assert said in error
    assert error.startswith("collections.tickets.columns.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("surrogate_key: 1", "surrogate_key: takes true or false, found the number 1"),
        ("surrogate_key: yes", "surrogate_key: takes true or false, found 'yes'"),
        (
            "surrogate_key: true, children: {a: {columns: {parent_key: int64}}}",
            "children.a.columns.parent_key: parent_key is a column of Sluice's own",
        ),
        (
            "children: {a: {columns: {b: int64}, references: documents}}",
            "children.a.references: belongs to a single column: move it into one of columns",
        ),
        (
            "children: {a: {children: {c: {type: key, references: b}}}}",
            "children.a.children.c.references: there is no collection 'b' in this file",
        ),
        ("children: {a: {type: key, references: b}}", "children.a.references: there is no collection 'b' in this file"),
        (
            "children: {a: {columns: {b: {type: key, references: documents}}}}",
            "children.a.columns.b.references: documents has no numeric keys",
        ),
        ("clickhouse: {skip_indexes: {_key: minmax}}", "clickhouse.skip_indexes: there is no column '_key'"),
    ],
)
def test_a_wrong_numeric_key_is_one_error(text: str, said: str) -> None:
    (error,) = errors_of_documents(text)
    assert said in error


@pytest.mark.parametrize("levels", [MOST_LEVELS, MOST_LEVELS + 1, 120, 1000])
def test_arrays_inside_each_other_have_a_limit_with_words(levels: int) -> None:
    inner = "".join(f"{{name: n{level}, children: {{a: " for level in range(levels - 1))
    children = f"{{a: {inner}text{'}}' * (levels - 1)}}}"
    said = outcome(a_pipeline_text(collections=f"{{documents: {{children: {children}}}}}"))

    if levels == MOST_LEVELS:
        assert isinstance(said, Pipeline)
        assert len(said.tables) == 1 + levels
    else:
        assert isinstance(said, PipelineFileError)
        assert len(said.found) == 1
        assert "100 arrays inside each other, and 99 are" in str(said) or "nested too deeply for a pipeline" in str(
            said
        )


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "1:1", "the file is empty"),
        ("# nothing\n", "1:1", "the file is empty"),
        ("publishing", "1:1", "takes a mapping"),
        ("- pipeline: a", "1:1", "takes a mapping"),
        ("pipeline: a\nsource:\n\tconn_id: a", "3:1", "indent with spaces, never with a tab"),
        ("pipeline: a\n  source: {}", "2:9", "indent the line like its neighbours"),
        ("pipeline: a\nsource: {conn_id: b\n", "3:1", "close the bracket or the quote"),
        ("pipeline: 'a", "1:13", "close the bracket or the quote"),
        ("pipeline: a\nsource\nlanding: {}", "2:1", "write `key: value`, with a space after the colon"),
        ("pipeline: a\nsource: {conn_id: b\nlanding: {}", "3:8", "flow mapping that began in line 2"),
        ("pipeline: a\nlanding: &x {}\nsource: *x", "3:9", "aliases (*name) are not read here: write the value out"),
        ("pipeline: a\n---\npipeline: b", "2:1", "a file holds one pipeline"),
        ("pipeline: !!python/name:os.system a", "1:1", "tags (!name) are not read here"),
        ("pipeline: a\nsource: !ruby {}", "2:1", "tags (!name) are not read here"),
        ("pipeline: a\n? [b]\n: c", "2:3", "a key is a plain word"),
        ("pipeline: a\x07", "1:12", "the character U+0007 cannot stand in YAML"),
        ('pipeline: "\\UFFFFFFFF"', "1:1", "look for a wrong escape"),
        ("[" * 2000, "1:1", "nested too deeply"),
        ("pipeline: " + "9" * 5000, "1:1", "is not a number that can be read"),
    ],
)
def test_what_is_not_yaml_says_where_and_what_to_do(text: str, place: str, said: str) -> None:
    with pytest.raises(PipelineFileError) as raised:
        parse_pipeline(text, FILE)
    assert any(
        str(found).startswith(f"publishing.yml:{place}: ") and said in found.text for found in raised.value.found
    )


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    text = a_pipeline_text(schedule="5", collections=None) + (
        "\ncollections:\n"
        "  documents:\n"
        "    modfied: updated_at\n"
        "    columns:\n"
        "      title: {type: strng(5), name: a}\n"
        "      author: {type: text, name: a}\n"
        "    clickhouse: {order_by: [b]}\n"
    )

    error = outcome(text)

    assert isinstance(error, PipelineFileError)
    places = [(found.line, found.column, found.key) for found in error.found]
    order = (12, 18, "collections.documents.clickhouse.order_by")
    assert places == [
        (5, 1, "schedule"),
        (8, 5, "collections.documents.modfied"),
        (10, 15, "collections.documents.columns.title.type"),
        (11, 7, "collections.documents.columns.author"),
        *(order, order),  # an unknown column, and the key left out
    ]
    assert str(error).startswith("6 errors in publishing.yml\n  why: publishing.yml:5:1: schedule: takes a text")
    assert error.fix


@given(st.data())
@settings(deadline=None)
def test_no_value_of_a_file_that_may_be_a_secret_is_ever_repeated(data: st.DataObject) -> None:  # I9
    document = yaml.safe_load(PUBLISHING.read_text())
    where, key = data.draw(st.sampled_from(list(_places(document))))
    where[key] = "mongodb://reader:hunter2@mongo.example:27017"

    said = outcome(yaml.safe_dump(document))

    assert isinstance(said, Pipeline) or "hunter2" not in str(said)


# --- what a warehouse's names have room for


@pytest.mark.parametrize(("letters", "fits"), [(LONGEST_NAMES, True), (LONGEST_NAMES + 1, False)])
def test_what_is_accepted_for_redshift_fits_into_its_names(letters: int, *, fits: bool) -> None:
    pipeline, child = "p" * 60, "c" * (letters - 60 - len("documents_"))
    made = outcome(
        a_pipeline_text(
            pipeline=pipeline,
            warehouse="{kind: redshift, conn_id: w, schema: read}",
            collections=f"{{documents: {{children: {{{child}: text}}}}}}",
        )
    )
    place, plan = Place(pipeline, "read", f"documents_{child}"), replace(a_plan(), turn=1)

    if fits:
        assert isinstance(made, Pipeline)
        assert max(len(place.staging_stem(plan.staging, helper)) for helper in get_args(Helper)) == LONGEST_NAME
    else:
        assert isinstance(made, PipelineFileError)
        (found,) = made.found
        assert found.key == f"collections.documents.children.{child}"
        assert f"have more than {LONGEST_NAMES} letters together" in found.text
        with pytest.raises(ConfigError, match="longer than Redshift's 127 bytes"):
            place.staging(plan.staging, "suspect")


# --- any input --------------------------------------------------------------------------------------------------------

WORDS = st.one_of(
    st.sampled_from(
        ": , - # { } [ ] ' \" & * ! | > % @ ` ~ ? \t \n \x00 \\ << null 1 -1 1e9 .5 !!set !!bool \ud800".split(" ")
    ),
    st.sampled_from("documents columns type _id on_error name soft:x string( (((( a.b $a ß".split()),
    st.sampled_from(["\n  ", ": "]),
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(WORDS, st.text(max_size=4))), max_size=6)
KEYS = st.one_of(st.text(max_size=8), WORDS)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), KEYS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=5,
)


def is_sound(said: Pipeline | PipelineFileError) -> bool:
    """Whether a pipeline can be used, and an error has places and words."""
    if isinstance(said, Pipeline):
        return bool(said.tables and pipeline_hash(said))
    return all(found.line >= 1 and found.column >= 1 and found.text for found in said.found) and bool(str(said))


@given(EDITS)
@settings(max_examples=100, deadline=None)
def test_any_edit_of_a_file_gives_a_pipeline_or_errors(edits: list[tuple[float, int, str]]) -> None:
    text = PUBLISHING.read_text()
    for place, length, word in edits:
        at = int(place * len(text))
        text = text[:at] + word + text[at + length :]

    assert is_sound(outcome(text))


@given(st.data(), VALUES)
@settings(max_examples=100, deadline=None)
def test_any_value_anywhere_gives_a_pipeline_or_errors(data: st.DataObject, value: Any) -> None:
    document = yaml.safe_load(PUBLISHING.read_text())
    where, key = data.draw(st.sampled_from(list(_places(document))))
    where[key] = value

    assert is_sound(outcome(yaml.dump(document)))


@given(st.text())
@settings(deadline=None)
def test_any_text_gives_errors(text: str) -> None:
    assert isinstance(outcome(text), PipelineFileError)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, (dict, list)):
            yield from _places(value)
