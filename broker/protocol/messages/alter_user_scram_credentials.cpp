#include "broker/protocol/messages/alter_user_scram_credentials.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse)
