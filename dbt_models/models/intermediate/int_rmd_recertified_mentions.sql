{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['mention']}]) }}
-- FRNs and name keys that a filing recertified in the judged year mentions as its affiliates or carries as its own
-- name, with the FRN that filed it. Somebody mentioned by another filer may be covered by that filing.
select distinct mention, frn
from (
    select unnest(affiliate_frns) as mention, frn from {{ ref('int_rmd_filings') }} where recertified_on is not null
    union all
    select name_key, frn from {{ ref('int_rmd_filings') }} where recertified_on is not null
) as mentions
where mention <> ''
