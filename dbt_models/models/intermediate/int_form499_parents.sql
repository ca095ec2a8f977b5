{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['name_key']}]) }}
-- One row per active filer on a consolidated basis and name (its own, its holding company's) its affiliates may state
-- as theirs: they file through it.
select frn, current_as_of, name_key
from {{ ref('int_form499_carriers') }} where is_consolidated and name_key <> ''
union
select frn, current_as_of, holding_company_key
from {{ ref('int_form499_carriers') }} where is_consolidated and holding_company_key <> ''
