using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Makes the files that later performance is held against: <c>performance.json</c>, and for regressions <c>loss-model.bin</c>.</summary>
public sealed class PerformanceFiles : IReferenceFileSource
{
    private const int LeastForLosses = 200;

    /// <summary>Makes the files.</summary>
    /// <param name="rows">Rows the model has not seen, its answers for them and the truth.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The files; none when there is no row whose scores and truth are usable. A loss model needs 200 rows.</returns>
    public IReadOnlyList<ReferenceFile> Make(ReferenceRows rows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        cancellationToken.ThrowIfCancellationRequested();
        if (OutcomeLayout.Of(rows.Schema) is not { } layout)
        {
            return [];
        }

        float[] outputs = new float[rows.Outputs.Count];
        float[] scores = new float[layout.Scores];
        var columns = new List<float>[layout.Scores];
        for (int i = 0; i < columns.Length; i++)
        {
            columns[i] = [];
        }

        var kept = new List<int>();
        var answers = new List<double>();
        var truths = new List<double>();
        for (int row = 0; row < rows.Actuals.Count; row++)
        {
            for (int o = 0; o < outputs.Length; o++)
            {
                outputs[o] = rows.Outputs[o][row];
            }

            double truth = layout.TruthOf(rows.Actuals[row], null);
            if (!layout.Read(outputs, scores, out float answer) || double.IsNaN(truth))
            {
                continue;
            }

            for (int s = 0; s < scores.Length; s++)
            {
                columns[s].Add(scores[s]);
            }

            kept.Add(row);
            answers.Add(answer);
            truths.Add(truth);
        }

        if (kept.Count == 0)
        {
            return [];
        }

        PerformanceReference reference = PerformanceReference.Of(PerformanceRows.Create(layout.Task, [.. columns.Select(c => c.ToArray())], [.. answers], [.. truths]));
        var files = new List<ReferenceFile> { new(PerformanceReference.FileName, reference.Serialize()) };
        if (layout.Task == ModelTask.Regression && kept.Count >= LeastForLosses)
        {
            cancellationToken.ThrowIfCancellationRequested();
            files.Add(new ReferenceFile(LossModel.FileName, LossModel.Fit(rows.Table.Take([.. kept]), [.. columns[0]], truths).Serialize()));
        }

        return files;
    }
}
