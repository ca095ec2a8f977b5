-- Asked of voice service providers that sign: the OCN is only on the record form.
select frn,
       'ask' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({'Filing': 'number'}) }} as evidence,
       snapshot_ids as snapshot_ids
from {{ ref('int_rmd_filers') }}
where is_voice and (has_complete or has_partial)
