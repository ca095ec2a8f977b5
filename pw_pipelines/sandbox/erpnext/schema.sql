-- What the stand-in keeps of Frappe's tables: every document as JSON, unique fields, naming series. Kept between starts.
create schema if not exists erpnext;

create table if not exists erpnext.documents (
    doctype   text not null,
    name      text not null,
    docstatus smallint not null default 0 check (docstatus in (0, 1, 2)),
    doc       jsonb not null,
    creation  timestamptz not null,
    modified  timestamptz not null,
    primary key (doctype, name)
);
create index if not exists ix_documents_modified on erpnext.documents (doctype, modified);

create table if not exists erpnext.unique_values (
    doctype text not null,
    field   text not null,
    value   text not null,
    name    text not null,
    primary key (doctype, field, value)
);

create table if not exists erpnext.series (prefix text primary key, current bigint not null);
