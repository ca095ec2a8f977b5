-- Filers none of whose filings was recertified since the window of the judged year opened. Filings made since need
-- none; where it cannot be told when a filing was made, nothing is said.
with filers as (
    select r.*,
           exists (
               select from {{ ref('int_rmd_recertified_mentions') }} m
               where m.mention in (r.frn, nullif(r.name_key, '')) and m.frn is distinct from r.frn
           ) as is_covered
    from {{ ref('int_rmd_filers') }} r
    where r.can_judge_recertification and r.recertified_on is null and not r.is_made_new
)
select frn,
       case when not is_made_before or is_covered then 'held' else 'finding' end as verdict,
       case when not is_made_before then 'Changed since ' || opens_on || ' and not seen before: it may be a first filing, which needs no recertification.'
            when is_covered then 'A recertified filing names this FRN among its affiliates, or has the same name.' end as why,
       due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'Last recertified': "coalesce(last_recertified_on::text, 'never')",
           'Last updated': "coalesce(last_updated_on::text, 'never')",
           'Recertification window opened': 'opens_on'}) }} as evidence,
       snapshot_ids
from filers
