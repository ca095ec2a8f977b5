{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN whose newest CORES page shows an entity name and which has a name in the RMD: whether they agree.
-- Names agree when their keys are equal or one begins or ends with the other (a brand, a division).
{% set agrees -%}
(k.key = c.name_key or k.key like c.name_key || ' %' or c.name_key like k.key || ' %'
 or k.key like '% ' || c.name_key or c.name_key like '% ' || k.key or replace(k.key, ' ', '') = replace(c.name_key, ' ', ''))
{%- endset %}
with rmd as (
    select frn, name_key as key from {{ ref('int_rmd_filings') }} where name_key <> ''
    union select frn, unnest(other_name_keys) from {{ ref('int_rmd_filings') }}
),
form499 as (
    select frn, name_key as key from {{ ref('stg_fcc_form499__filers') }} where is_active and name_key <> ''
    union select frn, unnest(other_name_keys) from {{ ref('stg_fcc_form499__filers') }} where is_active
    union select frn, holding_company_key from {{ ref('stg_fcc_form499__filers') }} where is_active and holding_company_key <> ''
),
against_rmd as (
    select c.frn, c.entity_name, c.snapshot_id, bool_or({{ agrees }}) as agrees
    from {{ ref('int_cores') }} c join rmd k using (frn)
    where c.is_found and c.name_key <> ''
    group by c.frn, c.entity_name, c.snapshot_id
),
against_form499 as (
    select c.frn, bool_or({{ agrees }}) as agrees
    from {{ ref('int_cores') }} c join form499 k using (frn)
    where c.is_found and c.name_key <> ''
    group by c.frn
),
both_say as (select distinct r.frn from rmd r join form499 f on f.frn = r.frn and f.key = r.key)
select a.frn, a.entity_name, a.snapshot_id, a.agrees as agrees_with_rmd, coalesce(b.agrees, false) as agrees_with_form499,
       t.frn is not null as rmd_agrees_with_form499
from against_rmd a
left join against_form499 b using (frn)
left join both_say t using (frn)
