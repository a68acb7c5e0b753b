//! Media pipelines.

use super::Operation;
use super::row::{delete, get, post, put};
use super::row::Resource::{Any};
use super::row::services::{P};

pub(super) const ROWS: &[Operation] = &[
    get("/media-insights-pipeline-configurations", "ListMediaInsightsPipelineConfigurations", 200, P, Any),
    post("/media-insights-pipeline-configurations", "CreateMediaInsightsPipelineConfiguration", 201, P, Any),
    get("/media-insights-pipeline-configurations/{identifier}", "GetMediaInsightsPipelineConfiguration", 200, P, Any),
    put("/media-insights-pipeline-configurations/{identifier}", "UpdateMediaInsightsPipelineConfiguration", 200, P, Any),
    delete("/media-insights-pipeline-configurations/{identifier}", "DeleteMediaInsightsPipelineConfiguration", 204, P, Any),
    put("/media-insights-pipeline-status/{identifier}", "UpdateMediaInsightsPipelineStatus", 200, P, Any),
    post("/media-insights-pipelines", "CreateMediaInsightsPipeline", 201, P, Any),
    post("/media-insights-pipelines/{identifier}/speaker-search-tasks?operation=start", "StartSpeakerSearchTask", 201, P, Any),
    get("/media-insights-pipelines/{identifier}/speaker-search-tasks/{speakerSearchTaskId}", "GetSpeakerSearchTask", 200, P, Any),
    post("/media-insights-pipelines/{identifier}/speaker-search-tasks/{speakerSearchTaskId}?operation=stop", "StopSpeakerSearchTask", 204, P, Any),
    post("/media-insights-pipelines/{identifier}/voice-tone-analysis-tasks?operation=start", "StartVoiceToneAnalysisTask", 201, P, Any),
    get("/media-insights-pipelines/{identifier}/voice-tone-analysis-tasks/{voiceToneAnalysisTaskId}", "GetVoiceToneAnalysisTask", 200, P, Any),
    post("/media-insights-pipelines/{identifier}/voice-tone-analysis-tasks/{voiceToneAnalysisTaskId}?operation=stop", "StopVoiceToneAnalysisTask", 204, P, Any),
    get("/media-pipeline-kinesis-video-stream-pools", "ListMediaPipelineKinesisVideoStreamPools", 200, P, Any),
    post("/media-pipeline-kinesis-video-stream-pools", "CreateMediaPipelineKinesisVideoStreamPool", 201, P, Any),
    get("/media-pipeline-kinesis-video-stream-pools/{identifier}", "GetMediaPipelineKinesisVideoStreamPool", 200, P, Any),
    put("/media-pipeline-kinesis-video-stream-pools/{identifier}", "UpdateMediaPipelineKinesisVideoStreamPool", 200, P, Any),
    delete("/media-pipeline-kinesis-video-stream-pools/{identifier}", "DeleteMediaPipelineKinesisVideoStreamPool", 204, P, Any),
    get("/sdk-media-capture-pipelines", "ListMediaCapturePipelines", 200, P, Any),
    post("/sdk-media-capture-pipelines", "CreateMediaCapturePipeline", 201, P, Any),
    get("/sdk-media-capture-pipelines/{mediaPipelineId}", "GetMediaCapturePipeline", 200, P, Any),
    delete("/sdk-media-capture-pipelines/{mediaPipelineId}", "DeleteMediaCapturePipeline", 204, P, Any),
    post("/sdk-media-concatenation-pipelines", "CreateMediaConcatenationPipeline", 201, P, Any),
    post("/sdk-media-live-connector-pipelines", "CreateMediaLiveConnectorPipeline", 201, P, Any),
    get("/sdk-media-pipelines", "ListMediaPipelines", 200, P, Any),
    get("/sdk-media-pipelines/{mediaPipelineId}", "GetMediaPipeline", 200, P, Any),
    delete("/sdk-media-pipelines/{mediaPipelineId}", "DeleteMediaPipeline", 204, P, Any),
    post("/sdk-media-stream-pipelines", "CreateMediaStreamPipeline", 201, P, Any),
];
