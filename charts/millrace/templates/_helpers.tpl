{{/* The operator's name: the release's, with millrace in it. */}}
{{- define "millrace.name" -}}
{{- if contains "millrace" .Release.Name -}}
{{- printf "%s-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-millrace-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "millrace.selector" -}}
app.kubernetes.io/name: millrace-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "millrace.labels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "millrace.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "millrace.name" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* REGISTRY/NAME:TAG. Called with a list: the root and the name. */}}
{{- define "millrace.image" -}}
{{- $root := index . 0 -}}
{{- $image := printf "%s:%s" (index . 1) ($root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- if $root.Values.image.registry -}}
{{- printf "%s/%s" $root.Values.image.registry $image -}}
{{- else -}}
{{- $image -}}
{{- end -}}
{{- end -}}

{{/* The namespaces with a Role, as a JSON list. */}}
{{- define "millrace.namespaces" -}}
{{- if .Values.watchNamespaces -}}
{{- .Values.watchNamespaces | sortAlpha | uniq | toJson -}}
{{- else -}}
{{- list .Release.Namespace | toJson -}}
{{- end -}}
{{- end -}}

{{/* Not empty when the operator runs the KafkaClusters of every namespace: named ones go first. */}}
{{- define "millrace.everywhere" -}}
{{- if and .Values.watchAllNamespaces (not .Values.watchNamespaces) -}}
true
{{- end -}}
{{- end -}}

{{/* The flags that say which namespaces are watched. */}}
{{- define "millrace.scope" -}}
{{- if include "millrace.everywhere" . }}
- --all-namespaces
{{- else }}
{{- range include "millrace.namespaces" . | fromJsonArray }}
- --namespace={{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "millrace.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "millrace.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What the operator does in the namespaces of its clusters. It may not delete claims. */}}
{{- define "millrace.rules" -}}
- apiGroups: [millrace.dev]
  resources: [kafkaclusters]
  verbs: [get, list, watch]
- apiGroups: [millrace.dev]
  resources: [kafkaclusters/status]
  verbs: [get, patch, update]
- apiGroups: [millrace.dev]
  resources: [kafkaclusters/finalizers]  # owner references that block deletion
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts, persistentvolumeclaims]
  verbs: [get, list, watch, create, update, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, update, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, update, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, create, patch]  # get: an event that is there already, of a process before this one, is counted on
{{- end -}}
