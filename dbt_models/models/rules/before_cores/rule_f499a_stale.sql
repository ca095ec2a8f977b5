-- Active filers whose registration is one yearly cycle behind. Filers that began in the year itself owe it next year.
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
      and f.current_as_of < y.nominal_on and f.current_as_of >= y.nominal_on - interval '1 year'
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
