{{/* The API in the cluster: names, what the monitors need to scrape at its port, and what cannot work in its values. */}}

{{- define "customimage-operator.apiService" -}}
{{- include "customimage-operator.suffixed" (list . "api") -}}
{{- end -}}

{{/* The name that replicas and Prometheus verify. */}}
{{- define "customimage-operator.apiServerName" -}}
{{- .Values.api.serverName | default (printf "%s.%s.svc" (include "customimage-operator.apiService" .) .Release.Namespace) -}}
{{- end -}}

{{/* Whether /metrics is at the API's port alone: a text, or nothing. */}}
{{- define "customimage-operator.authenticatesMetrics" -}}
{{- if and .Values.api.enabled .Values.api.authenticateMetrics }}yes{{ end -}}
{{- end -}}

{{/* Variables of the API; nothing without it. */}}
{{- define "customimage-operator.apiVariables" -}}
{{- if .Values.api.enabled }}
CUSTOMIMAGE_API_LISTEN: {{ printf "[::]:%d" (int .Values.api.port) | quote }}
CUSTOMIMAGE_API_CERTIFICATE: /etc/api-certificate
CUSTOMIMAGE_API_SERVER_NAME: {{ include "customimage-operator.apiServerName" . | quote }}
CUSTOMIMAGE_API_AUDIENCE: {{ .Values.api.audience | quote }}
CUSTOMIMAGE_API_CONFIGURATION_URL: {{ .Values.api.configurationUrl }}
CUSTOMIMAGE_API_REQUESTS_PER_SECOND: {{ .Values.api.requestsPerSecond | int | quote }}
CUSTOMIMAGE_API_METRICS: {{ .Values.api.authenticateMetrics | quote }}
{{- end }}
{{- end -}}

{{/* Whether the values of a monitor say themselves whom to trust; takes the values, gives a text or nothing. */}}
{{- define "customimage-operator.trusts" -}}
{{- range list "ca" "caFile" "insecureSkipVerify" }}{{ if hasKey $.tlsConfig . }}yes{{ end }}{{ end -}}
{{- end -}}

{{/* How a monitor scrapes the API's port, as fields of its endpoint; takes a list of the root, its values and whether it is of pods. */}}
{{- define "customimage-operator.authenticatedScrape" -}}
{{- $root := index . 0 -}}
{{- $settings := index . 1 -}}
{{- $ours := dict "serverName" (include "customimage-operator.apiServerName" $root) -}}
{{- if not (include "customimage-operator.trusts" $settings) -}}
{{- $_ := set $ours "ca" (dict "secret" (dict "name" $root.Values.api.certificateSecret "key" "ca.crt")) -}}
{{- end -}}
scheme: https
tlsConfig: {{ merge (dict) $settings.tlsConfig $ours | toJson }}
{{- if $settings.authorization }}
authorization: {{ toJson $settings.authorization }}
{{- else if not (index . 2) }}
bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
{{- end }}
{{- end -}}

{{/* What cannot work in the values of the API, as a list of sentences in JSON. */}}
{{- define "customimage-operator.wrongApi" -}}
{{- $wrong := list -}}
{{- with .Values.api -}}
{{- if and .enabled (not .certificateSecret) -}}
{{- $wrong = append $wrong "api.enabled is true, and api.certificateSecret is empty: the API speaks only HTTPS; set the name of a Secret of this namespace with tls.crt and tls.key, such as cert-manager makes (docs/http-api.md shows one)" -}}
{{- end -}}
{{- if and .authenticateMetrics (not .enabled) -}}
{{- $wrong = append $wrong "api.authenticateMetrics is true, and api.enabled false: there would be no port with authentication; set api.enabled=true, or api.authenticateMetrics=false" -}}
{{- end -}}
{{- if and .enabled (eq (int .port) 8080) -}}
{{- $wrong = append $wrong "api.port is 8080, which the probes have; set another one, such as 8443" -}}
{{- end -}}
{{- end -}}
{{- if include "customimage-operator.authenticatesMetrics" . -}}
{{- range $name, $monitor := dict "serviceMonitor" .Values.serviceMonitor "podMonitor" .Values.podMonitor -}}
{{- $namespace := $monitor.namespace | default $.Release.Namespace -}}
{{- if and $monitor.enabled (ne $namespace $.Release.Namespace) (not (include "customimage-operator.trusts" $monitor)) -}}
{{- $wrong = append $wrong (printf "%s.namespace is %s, and the Secret with the certificate's authority is in %s: a monitor reads Secrets of its own namespace alone; set %s.tlsConfig.ca={configMap: {name, key}} or {secret: {name, key}} of one there, or leave %s.namespace empty" $name $namespace $.Release.Namespace $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled (empty .Values.podMonitor.authorization) -}}
{{- $wrong = append $wrong "podMonitor.enabled and api.authenticateMetrics are true, and podMonitor.authorization is empty: a PodMonitor cannot name the token of Prometheus's own ServiceAccount; set podMonitor.authorization={credentials: {name, key}} of a Secret with a token, or use serviceMonitor instead" -}}
{{- end -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}
