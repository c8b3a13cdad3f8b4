using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>The document that a report is written as.</summary>
internal sealed record DriftReportDocument(int Format, DriftReport Report);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DriftReportDocument))]
internal sealed partial class DriftReportJson : JsonSerializerContext
{
    internal const int Format = 1;

    internal static string Write(DriftReport report) => JsonSerializer.Serialize(new DriftReportDocument(Format, report), Default.DriftReportDocument);
}
