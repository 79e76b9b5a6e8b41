"""How people are spoken of in many languages: roles and kin, phrases that hold a name, credits."""
