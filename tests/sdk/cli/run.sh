#!/usr/bin/env bash
# The guide's own command lines, typed into two generations of the aws command line tool against one server.
# Needs CHIME_SERVER_BIN, AWS_CURRENT and AWS_2020 (paths of the two `aws` scripts). Prints TAP; fails if any line does.
set -uo pipefail
cd "$(dirname "$0")"

: "${CHIME_SERVER_BIN:?the chime-server binary under test}"
: "${AWS_CURRENT:?the aws command of requirements-current.txt}"
: "${AWS_2020:?the aws command of requirements-2020.txt}"

work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill -TERM "$server" 2>/dev/null; wait "$server" 2>/dev/null; fi
  rm -rf "$work"
}
trap finish EXIT

read -r http https < <(python3 - <<'PY'
import socket
both = [socket.socket() for _ in range(2)]
for each in both:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in both))
PY
)
"$CHIME_SERVER_BIN" serve --data-dir "$work/data" --http-listen "127.0.0.1:$http" \
  --https-listen "127.0.0.1:$https" --media-listen 127.0.0.1:0 --test-clock >"$work/log" 2>&1 &
server=$!
url=http://127.0.0.1:$http
ready=
for _ in $(seq 400); do
  if curl -fsS -o /dev/null "$url/readyz" 2>/dev/null; then ready=1; break; fi
  kill -0 "$server" 2>/dev/null || break
  sleep 0.05
done
if [ -z "$ready" ]; then echo "Bail out! the server did not become ready"; tail -50 "$work/log"; exit 1; fi

root_key() { python3 -c "import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])" \
  "$work/data/root-credentials.json" "$1"; }
ROOT_ID=$(root_key AccessKeyId)
ROOT_SECRET=$(root_key SecretAccessKey)

# No profile, no instance metadata, no pager: only what is set here.
export AWS_CONFIG_FILE=$work/config AWS_SHARED_CREDENTIALS_FILE=$work/credentials AWS_EC2_METADATA_DISABLED=true
export AWS_DEFAULT_REGION=us-east-1 AWS_PAGER='' AWS_MAX_ATTEMPTS=1 PYTHONWARNINGS=ignore
: >"$work/config"; : >"$work/credentials"
unset AWS_PROFILE HTTP_PROXY HTTPS_PROXY http_proxy https_proxy NO_PROXY no_proxy ALL_PROXY all_proxy

as() { # as ID SECRET [TOKEN]: who signs from now on
  export AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2
  if [ -n "${3-}" ]; then export AWS_SESSION_TOKEN=$3; else unset AWS_SESSION_TOKEN; fi
}
as_root() { as "$ROOT_ID" "$ROOT_SECRET"; }

number=0 failed=0
ok() { number=$((number + 1)); echo "ok $number - $era: $1"; }
not_ok() { number=$((number + 1)); failed=$((failed + 1)); echo "not ok $number - $era: $1"; sed 's/^/# /' <<<"$2"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$3', got '$2'; $(cat "$work/err")"; fi; }
like() { if [[ $2 =~ $3 ]]; then ok "$1"; else not_ok "$1" "expected /$3/, got '$2'; $(cat "$work/err")"; fi; }
succeeds() { local name=$1; shift; if "$@" >"$work/out" 2>"$work/err"; then ok "$name"
  else not_ok "$name" "$(cat "$work/err")"; fi; }
refused() { local name=$1 with=$2; shift 2
  if "$@" >"$work/out" 2>"$work/err"; then not_ok "$name" "it was not refused: $(cat "$work/out")"
  elif grep -q "($with)" "$work/err"; then ok "$name"
  else not_ok "$name" "expected $with: $(cat "$work/err")"; fi; }
get() { "$@" --output text 2>"$work/err"; } # the text of one query

# One pass of what both generations can do. $identity and $messaging are the namespace that has the operations, and
# $bearer is how the acting user is named: an option today, nothing at all in 2020.
retention_and_identity() {
  as_root
  arn=$(get aws $identity create-app-instance --name NameOfAppInstance --query AppInstanceArn)
  like "create-app-instance answers an ARN" "$arn" '^arn:aws:chime:us-east-1:[0-9]{12}:app-instance/[0-9a-f-]{36}$'
  is "describe-app-instance has the name" \
    "$(get aws $identity describe-app-instance --app-instance-arn "$arn" --query AppInstance.Name)" NameOfAppInstance

  local days=AppInstanceRetentionSettings.ChannelRetentionSettings.RetentionDays
  succeeds "retention is set to 60 days" \
    aws $identity put-app-instance-retention-settings --app-instance-arn "$arn" --app-instance-retention-settings ChannelRetentionSettings={RetentionDays=60}
  is "retention reads 60 days" \
    "$(get aws $identity get-app-instance-retention-settings --app-instance-arn "$arn" --query $days)" 60
  succeeds "retention is updated to 30 days" \
    aws $identity put-app-instance-retention-settings --app-instance-arn "$arn" --app-instance-retention-settings ChannelRetentionSettings={RetentionDays=30}
  is "retention reads 30 days" \
    "$(get aws $identity get-app-instance-retention-settings --app-instance-arn "$arn" --query $days)" 30
  succeeds "retention is disabled" \
    aws $identity put-app-instance-retention-settings --app-instance-arn "$arn" --app-instance-retention-settings ChannelRetentionSettings={}
  is "retention reads nothing" \
    "$(get aws $identity get-app-instance-retention-settings --app-instance-arn "$arn" --query $days)" None

  user=$(get aws $identity create-app-instance-user --app-instance-arn "$arn" --app-instance-user-id 123456789 \
    --name 'A user' --query AppInstanceUserArn)
  is "create-app-instance-user answers the user's ARN" "$user" "$arn/user/123456789"
  is "list-app-instance-users lists it" "$(get aws $identity list-app-instance-users --app-instance-arn "$arn" \
    --query 'AppInstanceUsers[].Name')" 'A user'
  refused "a second user of the same id is a conflict" ConflictException \
    aws $identity create-app-instance-user --app-instance-arn "$arn" --app-instance-user-id 123456789 --name again
  succeeds "create-app-instance-admin promotes it" \
    aws $identity create-app-instance-admin --app-instance-arn "$arn" --app-instance-admin-arn "$user"
  succeeds "delete-app-instance-admin demotes it" \
    aws $identity delete-app-instance-admin --app-instance-arn "$arn" --app-instance-admin-arn "$user"
  refused "a missing user is forbidden" ForbiddenException \
    aws $identity describe-app-instance-user --app-instance-user-arn "$arn/user/nobody"
}

users_and_keys() {
  as_root
  local name=cli-$era
  MY_AWS_ACCOUNT_ID=$(get aws sts get-caller-identity --query Account)
  like "get-caller-identity answers the account" "$MY_AWS_ACCOUNT_ID" '^[0-9]{12}$'
  is "iam create-user answers its ARN" "$(get aws iam create-user --user-name "$name" --query User.Arn)" \
    "arn:aws:iam::$MY_AWS_ACCOUNT_ID:user/$name"
  local id secret
  read -r id secret < <(get aws iam create-access-key --user-name "$name" \
    --query '[AccessKey.AccessKeyId,AccessKey.SecretAccessKey]')
  as "$id" "$secret"
  refused "a user without a policy is denied" AccessDeniedException aws $identity list-app-instances
  as_root
  cat >"$work/policy.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "chime:ListAppInstances", "Resource": "*"}]}
JSON
  succeeds "iam put-user-policy is taken" \
    aws iam put-user-policy --user-name "$name" --policy-name list --policy-document "file://$work/policy.json"
  succeeds "iam attach-user-policy attaches AmazonChimeSDK" \
    aws iam attach-user-policy --user-name "$name" --policy-arn arn:aws:iam::aws:policy/AmazonChimeSDK
  is "iam list-attached-user-policies lists it" "$(get aws iam list-attached-user-policies --user-name "$name" \
    --query 'AttachedPolicies[].PolicyName')" AmazonChimeSDK
  as "$id" "$secret"
  succeeds "with the policy the user is allowed at once" aws $identity list-app-instances
  refused "and nothing more" AccessDeniedException aws $identity describe-app-instance --app-instance-arn "$arn"
  as "$id" wrong
  refused "a wrong secret is an invalid signature" InvalidSignatureException aws $identity list-app-instances
}

# The guide's two roles and its assume-role line, with the account number filled in.
vended_credentials() {
  as_root
  local app_server=ChimeSampleAppServerRole-$era app_user=ChimeMessagingSampleAppUserRole
  [ "$era" = 2020 ] && app_user=ChimeMessagingSampleAppUserRole2020
  cat >"$work/server-trust.json" <<JSON
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Principal": {"AWS": "arn:aws:iam::$MY_AWS_ACCOUNT_ID:root"}, "Action": "sts:AssumeRole"}]}
JSON
  cat >"$work/user-trust.json" <<JSON
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Principal": {"AWS": "arn:aws:iam::$MY_AWS_ACCOUNT_ID:role/$app_server"},
  "Action": ["sts:AssumeRole", "sts:TagSession"]}]}
JSON
  cat >"$work/server-policy.json" <<JSON
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
  "Resource": "arn:aws:iam::$MY_AWS_ACCOUNT_ID:role/$app_user"}]}
JSON
  cat >"$work/user-policy.json" <<JSON
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["chime:GetMessagingSessionEndpoint"], "Resource": ["*"]},
  {"Effect": "Allow", "Action": ["chime:SendChannelMessage", "chime:ListChannelMessages",
    "chime:CreateChannelMembership", "chime:ListChannelMemberships", "chime>DeleteChannelMembership",
    "chime:CreateChannel", "chime:DescribeChannel", "chime:ListChannels", "chime:Connect",
    "chime:ListChannelMembershipsForAppInstanceUser"],
   "Resource": ["$arn/user/\${my_applications_user_guid}", "$arn/channel/*"]}]}
JSON
  succeeds "iam create-role makes the server's role" aws iam create-role --role-name "$app_server" \
    --assume-role-policy-document "file://$work/server-trust.json"
  succeeds "iam create-role makes the users' role" aws iam create-role --role-name "$app_user" \
    --assume-role-policy-document "file://$work/user-trust.json"
  succeeds "iam put-role-policy lets the server vend" aws iam put-role-policy --role-name "$app_server" \
    --policy-name vend --policy-document "file://$work/server-policy.json"
  succeeds "iam put-role-policy lets users chat" aws iam put-role-policy --role-name "$app_user" \
    --policy-name chat --policy-document "file://$work/user-policy.json"

  local id secret session keys='[Credentials.AccessKeyId,Credentials.SecretAccessKey,Credentials.SessionToken]'
  read -r id secret session < <(get aws sts assume-role \
    --role-arn "arn:aws:iam::$MY_AWS_ACCOUNT_ID:role/$app_server" --role-session-name server --query "$keys")
  as "$id" "$secret" "$session"
  read -r id secret session < <(get aws sts assume-role \
    --role-arn "arn:aws:iam::$MY_AWS_ACCOUNT_ID:role/$app_user" --role-session-name demo \
    --tags Key=my_applications_user_guid,Value=123456789 --query "$keys")
  as "$id" "$secret" "$session"
  like "assume-role vends a session" "$(get aws sts get-caller-identity --query Arn)" ":assumed-role/$app_user/demo$"

  like "get-messaging-session-endpoint answers host and port" \
    "$(get aws $messaging get-messaging-session-endpoint --query Endpoint.Url)" "^[a-z0-9.-]+:$https$"
  local channel
  channel=$(get aws $messaging create-channel --app-instance-arn "$arn" --name general --mode UNRESTRICTED \
    --privacy PRIVATE $bearer --query ChannelArn)
  like "the vended user creates a channel" "$channel" "^$arn/channel/"
  succeeds "the vended user sends a message" aws $messaging send-channel-message --channel-arn "$channel" \
    --content 'hello from the command line' --type STANDARD --persistence PERSISTENT $bearer
  is "the vended user lists it as its own" "$(get aws $messaging list-channel-messages --channel-arn "$channel" $bearer \
    --query 'ChannelMessages[0].[Content,Sender.Arn]')" "$(printf 'hello from the command line\t%s' "$user")"
  refused "what the policy does not name is denied" AccessDeniedException \
    aws $messaging delete-channel --channel-arn "$channel" $bearer
  refused "identity operations are denied" AccessDeniedException \
    aws $identity describe-app-instance --app-instance-arn "$arn"
}

# What came after the guide, by the tool of today: a flow, a bot that is targeted, a device. Their structures are typed in
# the tool's shorthand.
beyond_the_guide() {
  as_root
  local function=arn:aws:lambda:us-east-1:$MY_AWS_ACCOUNT_ID:function:filter channel flow bot endpoint
  channel=$(get aws $messaging create-channel --app-instance-arn "$arn" --name moderated $bearer --query ChannelArn)
  flow=$(get aws $messaging create-channel-flow --app-instance-arn "$arn" --name filter --processors \
    "Name=filter,ExecutionOrder=1,FallbackAction=ABORT,Configuration={Lambda={ResourceArn=$function,InvocationType=ASYNC}}" \
    --query ChannelFlowArn)
  is "create-channel-flow makes a flow of one function" "$(get aws $messaging describe-channel-flow \
    --channel-flow-arn "$flow" --query 'ChannelFlow.Processors[].Configuration.Lambda.ResourceArn')" "$function"
  succeeds "associate-channel-flow gives it to a channel" \
    aws $messaging associate-channel-flow --channel-arn "$channel" --channel-flow-arn "$flow" $bearer

  bot=$(get aws $identity create-app-instance-bot --app-instance-arn "$arn" --name helper --configuration \
    "Lex={LexBotAliasArn=arn:aws:lex:us-east-1:$MY_AWS_ACCOUNT_ID:bot-alias/ABCDEFGHIJ/0123456789,LocaleId=en_US}" \
    --query AppInstanceBotArn)
  like "create-app-instance-bot answers an ARN" "$bot" "^$arn/bot/"
  succeeds "the bot becomes a member" \
    aws $messaging create-channel-membership --channel-arn "$channel" --member-arn "$bot" --type DEFAULT $bearer
  is "a message that targets it waits for the function" "$(get aws $messaging send-channel-message $bearer \
    --channel-arn "$channel" --content hello --type STANDARD --persistence PERSISTENT --target "MemberArn=$bot" \
    --query Status.Value)" PENDING

  endpoint=$(get aws $identity register-app-instance-user-endpoint --app-instance-user-arn "$user" --name phone \
    --type GCM --resource-arn "arn:aws:mobiletargeting:us-east-1:$MY_AWS_ACCOUNT_ID:apps/app" \
    --endpoint-attributes DeviceToken=device --query EndpointId)
  is "register-app-instance-user-endpoint makes one that is active" "$(get aws $identity \
    describe-app-instance-user-endpoint --app-instance-user-arn "$user" --endpoint-id "$endpoint" \
    --query 'AppInstanceUserEndpoint.[Name,EndpointState.Status]')" "$(printf 'phone\tACTIVE')"
}

# Meetings: today's tool names what it always has to; that of 2020 needs the token alone.
meetings() {
  as_root
  local meeting token attendee
  if [ "$era" = 2020 ]; then
    meeting=$(get aws $meetings create-meeting --client-request-token "cli-$era" --query Meeting.MeetingId)
  else
    meeting=$(get aws $meetings create-meeting --client-request-token "cli-$era" --external-meeting-id standup \
      --media-region us-east-1 --query Meeting.MeetingId)
  fi
  like "create-meeting answers an id" "$meeting" '^[0-9a-f-]{36}$'
  is "get-meeting has the URL of its signaling" "$(get aws $meetings get-meeting --meeting-id "$meeting" \
    --query 'ends_with(Meeting.MediaPlacement.SignalingUrl, Meeting.MeetingId)')" True
  read -r attendee token < <(get aws $meetings create-attendee --meeting-id "$meeting" --external-user-id alice \
    --query 'Attendee.[AttendeeId,JoinToken]')
  like "create-attendee answers a join token" "$token" '^[a-zA-Z0-9+/]{2,2048}$'
  succeeds "batch-create-attendee takes the shorthand" aws $meetings batch-create-attendee --meeting-id "$meeting" \
    --attendees ExternalUserId=bob ExternalUserId=carol
  is "list-attendees lists them all" "$(get aws $meetings list-attendees --meeting-id "$meeting" \
    --query 'join(`,`, sort(Attendees[].ExternalUserId))')" alice,bob,carol
  succeeds "delete-attendee removes one" \
    aws $meetings delete-attendee --meeting-id "$meeting" --attendee-id "$attendee"
  refused "who was deleted is not found" NotFoundException \
    aws $meetings get-attendee --meeting-id "$meeting" --attendee-id "$attendee"
  succeeds "delete-meeting ends it" aws $meetings delete-meeting --meeting-id "$meeting"
  refused "what ended is not found" NotFoundException aws $meetings get-meeting --meeting-id "$meeting"
}

everything() { retention_and_identity; bearer=${bearer:+--chime-bearer $user}; users_and_keys; vended_credentials; meetings; }

# Today: one environment variable names the endpoint for every service.
era=today identity=chime-sdk-identity messaging=chime-sdk-messaging meetings=chime-sdk-meetings bearer=yes
export AWS_ENDPOINT_URL=$url
aws() { "$AWS_CURRENT" "$@"; }
everything
beyond_the_guide
unset AWS_ENDPOINT_URL

# December 2020: one namespace, host prefixes that no option turns off. The server is its proxy, so no name resolves.
era=2020 identity=chime messaging=chime meetings=chime bearer=
export HTTP_PROXY=$url http_proxy=$url
aws() { "$AWS_2020" --endpoint-url http://chime.test "$@"; }
like "the old tool is of 2020" "$("$AWS_2020" --version 2>&1)" '^aws-cli/1\.18\.'
everything
as_root
refused "a call by the owner names no user" UnauthorizedClientException \
  aws chime create-channel --app-instance-arn "$arn" --name general

echo "1..$number"
echo "command lines: $((number - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
