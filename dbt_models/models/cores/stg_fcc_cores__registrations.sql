{{ config(materialized='view') }}
-- Every look-up in every usable copy. 0000000000 is no FRN: its empty page is only ever looked up as a negative test.
select s.as_of, s.fetched_at, s.proves_absence, r.*
from {{ source('core', 'fcc_cores_registrations') }} r
join {{ ref('stg_cores_snapshots') }} s using (snapshot_id)
where r.frn <> '0000000000'
