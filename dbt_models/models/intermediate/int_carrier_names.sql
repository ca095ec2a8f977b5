{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn']}, {'columns': ['name_key']}]) }}
-- One row per FRN, own name (as its comparison key) and record it is from: `rmd`, earlier filings included, or
-- `form499`, ended registrations included. Names that the record writes for nothing are none.
with named as (
    select frn, name_key, 'rmd' as source from {{ ref('int_rmd_filings') }}
    union select frn, unnest(other_name_keys), 'rmd' from {{ ref('int_rmd_filings') }}
    union select frn, name_key, 'rmd' from {{ ref('int_rmd_numbers') }} where {{ said('business_name') }} is not null
    union select frn, name_key, 'form499' from {{ ref('stg_fcc_form499__filers') }}
    union select frn, unnest(other_name_keys), 'form499' from {{ ref('stg_fcc_form499__filers') }}
)
select frn, name_key, source
from named
where frn ~ '^\d{10}$' and frn <> '0000000000' and name_key <> ''
