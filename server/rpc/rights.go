package rpc

import (
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/auth/caller"
)

// rights says what each method needs. One that is not in it may be called by nobody,
// but where everybody may do everything.
var rights = map[string]caller.Right{
	pb.PublishService_Publish_FullMethodName:       caller.Publish,
	pb.PublishService_PublishBatch_FullMethodName:  caller.Publish,
	pb.PublishService_PublishStream_FullMethodName: caller.Publish,
	pb.PublishService_Broadcast_FullMethodName:     caller.Publish,

	pb.SubscribeService_Subscribe_FullMethodName: caller.Subscribe,

	pb.ControlService_ListConnections_FullMethodName:   caller.Read,
	pb.ControlService_GetConnection_FullMethodName:     caller.Read,
	pb.ControlService_ListSubscriptions_FullMethodName: caller.Read,
	pb.ControlService_ListChannels_FullMethodName:      caller.Read,
	pb.ControlService_GetChannel_FullMethodName:        caller.Read,
	pb.ControlService_ListMessages_FullMethodName:      caller.Read,
	pb.ControlService_GetMessage_FullMethodName:        caller.Read,
	pb.ControlService_WatchDeliveries_FullMethodName:   caller.Read,
	pb.ControlService_ListRevocations_FullMethodName:   caller.Read,
	pb.ControlService_GetStats_FullMethodName:          caller.Read,
	pb.ControlService_WatchStats_FullMethodName:        caller.Read,

	pb.ControlService_Disconnect_FullMethodName:          caller.Control,
	pb.ControlService_CreateSubscription_FullMethodName:  caller.Control,
	pb.ControlService_DeleteSubscription_FullMethodName:  caller.Control,
	pb.ControlService_PurgeChannel_FullMethodName:        caller.Control,
	pb.ControlService_RevokeTokens_FullMethodName:        caller.Control,
	pb.ControlService_Drain_FullMethodName:               caller.Control,
	pb.ControlService_ReloadConfiguration_FullMethodName: caller.Control,

	healthv1.Health_Check_FullMethodName: caller.None,
	healthv1.Health_Watch_FullMethodName: caller.None,
	healthv1.Health_List_FullMethodName:  caller.None,

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      caller.Any,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": caller.Any,
}
