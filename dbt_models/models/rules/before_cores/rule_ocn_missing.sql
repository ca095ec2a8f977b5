-- Asked of voice carriers: the directory of numbers is not free.
select frn,
       'ask' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({'Form 499 type': 'comm_type'}) }} as evidence,
       snapshot_ids as snapshot_ids
from {{ ref('int_form499_carriers') }}
where is_active and active_types && {{ voice_types() }}
