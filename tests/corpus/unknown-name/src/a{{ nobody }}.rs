x {{project-name}}
