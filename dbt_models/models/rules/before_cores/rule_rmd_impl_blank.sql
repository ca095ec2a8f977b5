-- Filers none of whose filings certifies anything.
select frn,
       'finding' as verdict,
       null::text as why,
       date '2024-02-26' as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'STIR/SHAKEN implementation': "coalesce(implementation_text, 'blank')"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where is_implementation_blank
