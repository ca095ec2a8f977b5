-- Filers in force, each as the newest copy that has it says. edition_on: the date the source itself gives its data.
select distinct on (f.filer_id) s.as_of, s.edition_on, f.*
from {{ source('core', 'fcc_form499_filers') }} f
join {{ ref('stg_snapshots') }} s on s.snapshot_id = f.snapshot_id and s.is_in_force
order by f.filer_id, s.as_of desc, s.fetched_at desc
