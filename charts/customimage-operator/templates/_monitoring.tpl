{{/* The name of an object that may be in another namespace, where releases of one name from two namespaces must not meet; takes a list of the root, the namespace and perhaps a suffix. */}}
{{- define "customimage-operator.nameIn" -}}
{{- $root := index . 0 -}}
{{- $suffix := slice . 2 -}}
{{- if eq (index . 1) $root.Release.Namespace -}}
{{- include "customimage-operator.bounded" (concat (list (include "customimage-operator.fullname" $root)) $suffix | join "-") -}}
{{- else -}}
{{- include "customimage-operator.clusterName" (concat (list $root) $suffix) -}}
{{- end -}}
{{- end -}}

{{/* The label `job` of the metrics, whichever monitor scrapes them. */}}
{{- define "customimage-operator.job" -}}
{{- include "customimage-operator.suffixed" (list . "metrics") -}}
{{- end -}}

{{/* What cannot work in the values for monitoring, as a list of sentences in JSON. */}}
{{- define "customimage-operator.wrongMonitoring" -}}
{{- $wrong := list -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.metricsService.enabled) -}}
{{- $wrong = append $wrong "serviceMonitor.enabled needs the Service that it scrapes: set metricsService.enabled=true, or use podMonitor instead" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- $wrong = append $wrong "serviceMonitor.enabled and podMonitor.enabled are both true: each metric would count twice. Set one of them to false" -}}
{{- end -}}
{{- range $name, $monitor := dict "serviceMonitor" .Values.serviceMonitor "podMonitor" .Values.podMonitor -}}
{{- $timeout := include "customimage-operator.milliseconds" $monitor.scrapeTimeout -}}
{{- $interval := include "customimage-operator.milliseconds" $monitor.interval -}}
{{- if and $monitor.enabled $timeout $interval (gt (float64 $timeout) (float64 $interval)) -}}
{{- $wrong = append $wrong (printf "%s.scrapeTimeout is %s, %s.interval %s: Prometheus takes no monitor that waits longer than its interval; set a shorter scrapeTimeout" $name $monitor.scrapeTimeout $name $monitor.interval) -}}
{{- end -}}
{{- end -}}
{{- if .Values.prometheusRule.enabled -}}
{{- range $name, $times := dict "stalenessBudget" 1 "settledInterval" 3 "absentIntervalMax" 3 -}}
{{- $time := get $.Values.timing $name -}}
{{- $least := include "customimage-operator.milliseconds" $time -}}
{{- if and $least (le (mulf (float64 $.Values.prometheusRule.maximumAge) 1000) (mulf (float64 $least) $times)) -}}
{{- $wrong = append $wrong (printf "prometheusRule.maximumAge is %d (seconds), timing.%s %s: an alert would fire while all is well; set more than %.0f" (int $.Values.prometheusRule.maximumAge) $name $time (divf (mulf (float64 $least) $times) 1000)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups }}{{ range .rules }}{{ $names = append $names .alert }}{{ end }}{{ end -}}
{{- range $name, $_ := .Values.prometheusRule.alerts -}}
{{- if not (has $name $names) -}}
{{- $wrong = append $wrong (printf "prometheusRule.alerts has %s, and no alert is called so. The alerts are: %s" $name (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- range list "severity" "job" "namespace" -}}
{{- if hasKey $.Values.prometheusRule.alertLabels . -}}
{{- $wrong = append $wrong (printf "prometheusRule.alertLabels has %s, which each alert has already. Take it away; a severity is set by prometheusRule.alerts.NAME.severity" .) -}}
{{- end -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}
