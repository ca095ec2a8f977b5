-- Voice service and gateway providers whose best certification is of a part of the network.
{{ rmd_implementation('has_partial', "'Partial STIR/SHAKEN Implementation'::text") }}
