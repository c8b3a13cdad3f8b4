using System.Text.Json;

namespace Mlops.Sdk.Pipelines;

/// <summary>Reads what a run found back from the version it made.</summary>
public static class RunReports
{
    private const long MaxBytes = 16 << 20;

    /// <summary>Reads the report of the run that made a version.</summary>
    /// <param name="manifest">The version's manifest.</param>
    /// <param name="artifacts">Where its files are.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The report; an empty one for a version that no pipeline made.</returns>
    /// <exception cref="MlopsIntegrityException">The file is damaged, or of a newer format (<c>pipeline.newer_format</c>).</exception>
    public static async Task<RunReport> ReadAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(artifacts);
        if (manifest.Files.FirstOrDefault(f => f.Name == RunReport.FileName) is not { } file)
        {
            return new RunReport();
        }

        byte[] bytes = await artifacts.ReadAsync(file.Digest, MaxBytes, cancellationToken).ConfigureAwait(false);
        try
        {
            RunReport report = JsonSerializer.Deserialize(bytes, PipelineJson.Default.RunReport)!;
            return report.Format <= RunReport.CurrentFormat
                ? report
                : throw new MlopsIntegrityException("pipeline.newer_format", $"The run report has format {report.Format}; this version of the library reads up to {RunReport.CurrentFormat}. Update Mlops.Sdk in this process.");
        }
        catch (JsonException error)
        {
            throw new MlopsIntegrityException("pipeline.unreadable_report", $"The file '{RunReport.FileName}' of '{manifest.Model}' does not read as a run report: {error.Message}", error);
        }
    }
}
