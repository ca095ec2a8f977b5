-- Filers all of whose filings are older than the rules of 2024 and were not touched since 2023 or earlier. Updates of
-- January and February 2024 may already follow the new rules and are left in peace.
select frn,
       case when is_update_unclear then 'held' else 'finding' end as verdict,
       case when is_update_unclear then 'The filing shows no date, and its number does not tell that it is of 2021.' end as why,
       date '2024-02-26' as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'Last updated': "coalesce(last_updated_on::text, 'never')"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where is_never_updated or is_update_unclear
