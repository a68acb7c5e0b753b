"""Channel flows as a test makes them and plays their processors."""

from .clients import token


def processor(function, order=1, fallback="ABORT", name=None):
    """A processor of a flow; `function` is a played function or an ARN."""
    arn = getattr(function, "arn", function)
    return {"Name": name or f"processor {order}", "ExecutionOrder": order, "FallbackAction": fallback,
            "Configuration": {"Lambda": {"ResourceArn": arn, "InvocationType": "ASYNC"}}}


def create_flow(world, *processors, name="flow", **more):
    return world.messaging.create_channel_flow(
        AppInstanceArn=world.app, Name=name, Processors=list(processors), ClientRequestToken=token(),
        **more)["ChannelFlowArn"]


def associate(world, channel, flow, bearer):
    world.messaging.associate_channel_flow(ChannelArn=channel, ChannelFlowArn=flow, ChimeBearer=bearer)


def disassociate(world, channel, flow, bearer):
    world.messaging.disassociate_channel_flow(ChannelArn=channel, ChannelFlowArn=flow, ChimeBearer=bearer)


def answering(event, *, deny=None, **changes):
    """The parameters of the callback for this event."""
    message = event["ChannelMessage"]
    call = {"ChannelArn": message["ChannelArn"], "CallbackId": event["CallbackId"],
            "ChannelMessage": {"MessageId": message["MessageId"], **changes}}
    return call if deny is None else {**call, "DeleteResource": deny}


def callback(messaging, event, **changes):
    """What a processor calls when it is done; without changes it lets the message through."""
    return messaging.channel_flow_callback(**answering(event, **changes))


def status_of(world, channel, message, bearer):
    return world.messaging.get_channel_message_status(
        ChannelArn=channel, MessageId=message, ChimeBearer=bearer)["Status"]["Value"]
