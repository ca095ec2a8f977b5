-- Filers none of whose filings has a name.
select frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'Business name': "'blank'::text"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where is_name_blank
