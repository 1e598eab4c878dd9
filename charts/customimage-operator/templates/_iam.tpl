{{/* The minimal IAM policies, as JSON. */}}

{{/* Every read; takes the root and the account of the ARNs. */}}
{{- define "customimage-operator.reads" -}}
{{- $arn := printf "arn:%s" .root.Values.aws.partition -}}
- {Sid: Images, Effect: Allow, Action: "ec2:DescribeImages", Resource: "*"}
- {Sid: Stacks, Effect: Allow, Action: ["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource"], Resource: "{{ $arn }}:cloudformation:*:{{ .account }}:stack/*"}
- {Sid: AllStacks, Effect: Allow, Action: "cloudformation:ListStacks", Resource: "*"}
- {Sid: Builds, Effect: Allow, Action: "imagebuilder:GetImage", Resource: "{{ $arn }}:imagebuilder:*:{{ .account }}:image/parallelclusterimage-*"}
{{- if or .root.Values.buildLogs.enabled .root.Values.api.enabled }}
- {Sid: StackEvents, Effect: Allow, Action: "cloudformation:DescribeStackEvents", Resource: "{{ $arn }}:cloudformation:*:{{ .account }}:stack/*"}
- {Sid: BuildLogs, Effect: Allow, Action: ["logs:DescribeLogStreams", "logs:GetLogEvents"], Resource: "{{ $arn }}:logs:*:{{ .account }}:log-group:/aws/imagebuilder/ParallelClusterImage-*"}
{{- end }}
{{- if or (eq .root.Values.configurationUrl "presigned") (and .root.Values.api.enabled (eq .root.Values.api.configurationUrl "presigned")) }}
{{- $buckets := list (printf "%s:s3:::parallelcluster-*" $arn) -}}
{{- $files := list (printf "%s:s3:::parallelcluster-*/*/configs/image-config.yaml" $arn) -}}
{{- range .root.Values.iamPolicy.buckets -}}
{{- $buckets = append $buckets (printf "%s:s3:::%s" $arn .) -}}
{{- $files = append $files (printf "%s:s3:::%s/*/configs/image-config.yaml" $arn .) -}}
{{- end }}
- {Sid: Buckets, Effect: Allow, Action: "s3:ListBucket", Resource: {{ $buckets | toJson }}}
- {Sid: Configurations, Effect: Allow, Action: "s3:GetObject", Resource: {{ $files | toJson }}}
{{- end }}
{{- end -}}

{{/* The roles of the identities that somebody may use: {roles: […]}. */}}
{{- define "customimage-operator.roles" -}}
{{- $roles := list -}}
{{- range .Values.identities -}}
{{- $nobodys := and (hasKey . "namespaces") (empty .namespaces) -}}
{{- if and .roleArn (not $nobodys) }}{{ $roles = append $roles .roleArn }}{{ end -}}
{{- end -}}
{{- dict "roles" (uniq $roles) | toJson -}}
{{- end -}}

{{/* What the pod's own role needs: the reads unless no identity uses it, and to assume the identities' roles. */}}
{{- define "customimage-operator.policy" -}}
{{- $reads := include "customimage-operator.reads" (dict "root" . "account" (.Values.aws.accountId | default "*")) | fromYamlArray -}}
{{- $nobodys := false -}}
{{- $borrowed := false -}}
{{- range .Values.identities -}}
{{- $none := and (hasKey . "namespaces") (empty .namespaces) -}}
{{- if eq .name "default" }}{{ $nobodys = $none }}{{ else if not (or $none .roleArn) }}{{ $borrowed = true }}{{ end -}}
{{- end -}}
{{- if and $nobodys (not $borrowed) }}{{ $reads = list }}{{ end -}}
{{- with (include "customimage-operator.roles" . | fromJson).roles -}}
{{- $actions := $.Values.aws.podIdentity | ternary (list "sts:AssumeRole" "sts:TagSession") "sts:AssumeRole" -}}
{{- $reads = append $reads (dict "Sid" "Identities" "Effect" "Allow" "Action" $actions "Resource" .) -}}
{{- end -}}
{{- dict "Version" "2012-10-17" "Statement" $reads | toPrettyJson -}}
{{- end -}}

{{/* What each role of an identity needs, in its own account. */}}
{{- define "customimage-operator.rolePolicy" -}}
{{- dict "Version" "2012-10-17" "Statement" (include "customimage-operator.reads" (dict "root" . "account" "*") | fromYamlArray) | toPrettyJson -}}
{{- end -}}
