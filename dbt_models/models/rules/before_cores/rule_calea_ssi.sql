-- Asked of telecommunications carriers, interconnected VoIP and facilities-based broadband providers.
select frn,
       'ask' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({'Form 499 type': 'comm_type'}) }} as evidence,
       snapshot_ids as snapshot_ids
from {{ ref('int_carriers') }}
where 'cpni' = any(duties) or is_bdc_provider
