"""How the first edition of every Word template was made. The .docx files are what counts; they are edited in Word."""
