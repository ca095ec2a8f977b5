-- FRNs with more than one published filing.
select frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({'Filings': "array_to_string(numbers, ', ')"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where filings > 1
