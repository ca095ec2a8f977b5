-- Carriers that owed a certification and whose names, and whose holding company's, no filing of the docket carries
-- since 1 January. A similar name, or a filing of one of the same group, makes a question of it.
with owing as (
    select f.*, y.year, y.due_on_et, y.late_after_on_et, y.is_absence_proven and y.is_matched as is_absence_proven, y.needed, y.seen, y.since_on, y.until_on,
           y.snapshot_ids as cpni_snapshot_ids,
           m.near_name, m.near_id, m.near_method,
           -- in business in the year certified
           case when f.started_on >= make_date(y.year, 1, 1) then false
                when f.started_on > date '1997-01-01' then true
                -- 1997-01-01 is the database's filler; the number 831188 was already given in 2021
                when f.first_filer_id <= '831188' then true
                when f.current_as_of < make_date(y.year, 1, 1) then true
                when r.known_since < make_date(y.year, 1, 1) then true
           end as was_in_business
    from {{ ref('int_form499_carriers') }} f
    join {{ ref('int_cpni_year') }} y on y.year is not null
    left join {{ ref('int_cpni_matches') }} m on m.frn = f.frn
    left join {{ ref('int_rmd_filers') }} r on r.frn = f.frn
    where f.is_active
      and f.active_types && {{ cpni_types() }}
      and not coalesce(r.is_abroad, false)
      and not coalesce(m.has_match, false)
)
select frn,
       case when not is_absence_proven or was_in_business is null then 'held'
            when near_id is not null then 'ask'
            else 'finding' end as verdict,
       case when not is_absence_proven then 'No filing found, but seen in ' || coalesce(seen, 0) || ' of the ' || coalesce(needed, 2) || ' whole copies of the docket that an absence needs.'
            when was_in_business is null then 'It is not known whether it was in business in ' || (year - 1) || '.'
            when near_method = 'affiliate' then 'A filing of “' || near_name || '”, of the same group, is in the docket. Does it speak for you?'
            when near_id is not null then 'A filing under a similar name, “' || near_name || '”, is in the docket. Is it yours?' end as why,
       due_on_et,
       {{ evidence({
           'Form 499 filer ID': 'filer_id',
           'Form 499 type': 'comm_type',
           'Names looked for': 'legal_name',
           'Nearest filing': 'near_name',
           'Docket copies without a filing': "to_jsonb(array[since_on, until_on])",
           'Filings counted from': "make_date(year, 1, 1)"}) }} as evidence,
       {{ ids(['snapshot_ids', 'cpni_snapshot_ids']) }} as snapshot_ids
from owing
where was_in_business is distinct from false
