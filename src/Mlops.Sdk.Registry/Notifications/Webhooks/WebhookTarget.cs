using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Registry;

/// <summary>Where events are sent to.</summary>
/// <param name="Name">The target's name: 1 to 56 of <c>a-z 0-9 -</c>.</param>
/// <param name="Url">The address that events are posted to: https, without credentials. It stands on the ledger for all to read: put no secret into it.</param>
/// <param name="SecretKey">The key name of the secret that deliveries are signed with; the secret itself is never written.</param>
public sealed record WebhookTarget(string Name, string Url, string SecretKey)
{
    /// <summary>Gets which events are sent.</summary>
    public RegistryEventFilter Filter { get; init; } = RegistryEventFilter.All;

    /// <summary>Gets how long one attempt may take; null for <see cref="WebhookOptions.Timeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>A target as the ledger knows it.</summary>
/// <param name="Target">The target.</param>
/// <param name="Paused">Whether sending is paused; what happens meanwhile is sent when it is resumed.</param>
/// <param name="By">Who added it.</param>
/// <param name="At">When it was added.</param>
/// <param name="Added">The number of the entry that added it: events after it are sent.</param>
public sealed record WebhookInfo(WebhookTarget Target, bool Paused, Actor By, DateTimeOffset At, long Added);

/// <summary>How a delivery stands.</summary>
public enum WebhookDeliveryState
{
    /// <summary>It was tried and will be again.</summary>
    Trying,

    /// <summary>The receiver took it.</summary>
    Delivered,

    /// <summary>It was given up; the ledger says so too.</summary>
    DeadLetter,
}

/// <summary>A delivery of an event to a target.</summary>
/// <param name="Id">Its id, the same for every attempt and redelivery: what the receiver tells doubles by.</param>
/// <param name="Cause">The number of the entry that caused it: the event's, or that of the request to send it again.</param>
/// <param name="EventId">The event's id.</param>
/// <param name="Number">The number of the event's entry.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Model">The model's name.</param>
/// <param name="State">How it stands.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="First">When it was tried first.</param>
public sealed record WebhookDelivery(string Id, long Cause, string EventId, long Number, RegistryEventKind Kind, string Model, WebhookDeliveryState State, int Attempts, DateTimeOffset First)
{
    /// <summary>Gets the last attempts, at most 10, oldest first.</summary>
    public IReadOnlyList<WebhookAttempt> Last { get; init; } = [];

    /// <summary>Gets when it is tried next, or null.</summary>
    public DateTimeOffset? Next { get; init; }
}

/// <summary>One attempt of a delivery.</summary>
/// <param name="Time">When.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="Status">The HTTP status that the receiver answered, or null when it gave none.</param>
/// <param name="Problem">What went wrong, or null. Nothing of the receiver's answer but its status is kept.</param>
public sealed record WebhookAttempt(DateTimeOffset Time, double Milliseconds, int? Status, string? Problem);

/// <summary>The kinds of ledger entry about webhooks. Their resource is of kind <c>webhook</c>, named like the target.</summary>
public static class WebhookKinds
{
    /// <summary>A target was added.</summary>
    public const string Added = "webhook.added";

    /// <summary>A target was removed.</summary>
    public const string Removed = "webhook.removed";

    /// <summary>A target was paused.</summary>
    public const string Paused = "webhook.paused";

    /// <summary>A paused target was resumed.</summary>
    public const string Resumed = "webhook.resumed";

    /// <summary>A delivery was given up; the outcome is failed.</summary>
    public const string DeadLetter = "webhook.dead_letter";

    /// <summary>A delivery was asked for again.</summary>
    public const string Redelivery = "webhook.redelivery_asked";
}

/// <summary>The data of <see cref="WebhookKinds.Added"/>.</summary>
internal sealed record WebhookNote(string Name, string Url, string SecretKey)
{
    public IReadOnlyList<RegistryEventKind>? Kinds { get; init; }

    public IReadOnlyList<string>? Models { get; init; }

    public IReadOnlyList<string>? Aliases { get; init; }

    public double? TimeoutMilliseconds { get; init; }

    internal static WebhookNote Of(WebhookTarget target) => new(target.Name, target.Url, target.SecretKey)
    {
        Kinds = [.. target.Filter.Kinds.Order()],
        Models = [.. target.Filter.Models.Order(StringComparer.Ordinal)],
        Aliases = [.. target.Filter.Aliases.Order(StringComparer.Ordinal)],
        TimeoutMilliseconds = target.Timeout?.TotalMilliseconds,
    };

    internal WebhookTarget ToTarget() => new(Name, Url, SecretKey)
    {
        Filter = new RegistryEventFilter { Kinds = Kinds ?? [], Models = Models ?? [], Aliases = Aliases ?? [] },
        Timeout = TimeoutMilliseconds is { } ms and > 0 and < 86_400_000 ? TimeSpan.FromMilliseconds(ms) : null,
    };
}

/// <summary>The data of <see cref="WebhookKinds.Removed"/>, <see cref="WebhookKinds.Paused"/> and <see cref="WebhookKinds.Resumed"/>.</summary>
internal sealed record WebhookNameNote(string Name);

/// <summary>The data of <see cref="WebhookKinds.DeadLetter"/>.</summary>
internal sealed record DeadLetterNote(string Name, string Delivery, long Number, int Attempts, DateTimeOffset First, int? Status, string Problem);

/// <summary>The data of <see cref="WebhookKinds.Redelivery"/>.</summary>
internal sealed record RedeliveryNote(string Name, string Delivery, long Number);

/// <summary>The body of a delivery.</summary>
internal sealed record WebhookPayload(int Format, string Id, string Delivery, RegistryEventKind Kind, DateTimeOffset Time, long Number, string Model, string Reason, PayloadActor By)
{
    public int? Version { get; init; }

    public int? OldVersion { get; init; }

    public string? Alias { get; init; }

    public SchemaDifference? SchemaChange { get; init; }

    public IReadOnlyDictionary<string, string>? Details { get; init; }

    internal static byte[] Write(RegistryEvent happened, string delivery) => JsonSerializer.SerializeToUtf8Bytes(
        new WebhookPayload(1, happened.Id, delivery, happened.Kind, happened.Time, happened.Number, happened.Model, happened.Reason, new PayloadActor(happened.By.Id, happened.By.Kind, happened.By.OnBehalfOf))
        {
            Version = happened.Version,
            OldVersion = happened.OldVersion,
            Alias = happened.Alias,
            SchemaChange = happened.SchemaChange,
            Details = happened.Details.Count > 0 ? happened.Details : null,
        },
        WebhookJson.Default.WebhookPayload);
}

internal sealed record PayloadActor(string Id, ActorKind Kind, string? OnBehalfOf);

/// <summary>A page of a target's deliveries: the object <c>webhooks/NAME/deliveries/PAGE</c>.</summary>
internal sealed record DeliveryPage(int Format, string Target, IReadOnlyList<WebhookDelivery> Deliveries)
{
    internal const int CurrentFormat = 1;
    internal const int Size = 50;
    internal const int MaxBytes = 4 << 20;
}

/// <summary>The state of <see cref="WebhookBook"/>.</summary>
internal sealed record BookDocument(IReadOnlyList<BookTarget> Targets);

internal sealed record BookTarget(WebhookNote Note, bool Paused, string ById, ActorKind ByKind, string? ByScheme, string? ByOnBehalfOf, DateTimeOffset At, long Added);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false,
    MaxDepth = 16)]
[JsonSerializable(typeof(WebhookNote))]
[JsonSerializable(typeof(WebhookNameNote))]
[JsonSerializable(typeof(DeadLetterNote))]
[JsonSerializable(typeof(RedeliveryNote))]
[JsonSerializable(typeof(WebhookPayload))]
[JsonSerializable(typeof(DeliveryPage))]
[JsonSerializable(typeof(BookDocument))]
internal sealed partial class WebhookJson : JsonSerializerContext;
