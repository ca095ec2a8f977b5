{#- Bodies that two rules share; each rule says only what sets it apart. -#}

{#- Form 499-A: active filers whose registration lags the yearly cycle. `how_far`: a condition on f.current_as_of and
    y.nominal_on that says how many cycles. Filers that began in the year itself owe it next year. -#}
{% macro form499a_behind(how_far) -%}
with behind as (
    select f.*, y.year, y.nominal_on, y.due_on_et,
           exists (
               select from {{ ref('int_form499_parents') }} p
               where p.name_key = f.holding_company_key and p.frn <> f.frn and p.current_as_of >= y.nominal_on
           ) as has_consolidated_parent
    from {{ ref('int_form499_carriers') }} f
    join {{ ref('int_form499_years') }} y on y.year is not null
    where f.is_active
      -- the date the row's own copy gives its data leaves the margin too
      and y.due_on_et + 60 <= f.edition_on
      and not f.has_undated
      and ({{ how_far }})
      and coalesce(f.started_on, date '1997-01-01') < make_date(y.year, 1, 1)
)
select frn,
       case when has_consolidated_parent or is_consolidated or has_active_successor then 'held' else 'finding' end as verdict,
       case when has_consolidated_parent then 'A filer of the same holding company files on a consolidated basis.'
            when is_consolidated then 'It files on a consolidated basis; the database may show its affiliates'' dates elsewhere.'
            when has_active_successor then 'One of its registrations was taken over by an active filer.' end as why,
       due_on_et,
       {{ evidence({
           'Form 499 filer ID': 'filer_id',
           'Registration current as of': 'current_as_of',
           'Should be current as of': 'nominal_on',
           'Data of the filer database of': 'edition_on'}) }} as evidence,
       snapshot_ids
from behind
{%- endmacro %}

{#- Providers of an earlier edition of the broadband data, of which the latest shows neither FRN, provider ID nor
    holding company. `last_seen`: a condition on b.edition_rank, b.edition_on and l.edition_on, which edition was the
    last with it. `held_when`, `held_why`: what else keeps the rule from a finding, on RMD filer r and Form 499 filer f
    (either may be missing), and the sentence that says so. -#}
{% macro bdc_gone(last_seen, held_when, held_why) -%}
with absence as (select * from {{ ref('int_absence') }} where source = 'fcc_bdc'),
latest as (select * from {{ ref('int_bdc_editions') }} where edition_rank = 1)
select b.frn,
       case when not a.is_proven or b.id_still_there or b.holding_still_there or ({{ held_when }})
            then 'held' else 'finding' end as verdict,
       case when not a.is_proven then 'Not in edition ' || l.edition || ', but seen in ' || a.seen || ' of the ' || coalesce(a.needed, 2) || ' copies of it that an absence needs.'
            when b.id_still_there then 'Its provider ID is still there under another FRN.'
            when b.holding_still_there then 'Its holding company is still there under another FRN.'
            when ({{ held_when }}) then '{{ held_why }}' end as why,
       l.due_on_et,
       {{ evidence({
           'Last in edition': 'b.edition',
           'Missing in edition': 'l.edition',
           'Provider ID': "array_to_string(b.provider_ids, ', ')",
           'Holding company': 'b.holding_company'}) }} as evidence,
       {{ ids(['array[b.snapshot_id, l.snapshot_id]', 'a.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_bdc_frns') }} b
cross join absence a
join latest l on a.edition_on is null or a.edition_on = l.edition_on
left join {{ ref('int_rmd_filers') }} r on r.frn = b.frn
left join {{ ref('int_form499_carriers') }} f on f.frn = b.frn
where not b.is_in_latest
  and ({{ last_seen }})
{%- endmacro %}

{#- Voice service and gateway providers whose filings certify less than complete STIR/SHAKEN. `certified`: a condition
    on has_none and has_partial, what the best filing says; `implementation`: the text shown as evidence, as SQL. -#}
{% macro rmd_implementation(certified, implementation) -%}
select frn,
       'finding' as verdict,
       null::text as why,
       case when is_voice then date '2021-06-30' else date '2023-06-30' end as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'STIR/SHAKEN implementation': implementation}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where ({{ certified }}) and not coalesce(has_complete, false) and (is_voice or is_gateway)
{%- endmacro %}
