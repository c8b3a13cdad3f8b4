namespace Mlops.Sdk.Registry;

/// <summary>The bytes of a catalog's facts: models in order, then versions in order, every list in its sorted order.</summary>
internal static class CatalogSnapshot
{
    internal static void Write(SnapshotWriter to, ModelFacts model)
    {
        to.Text(model.Name);
        to.Optional(model.Description);
        to.Shared(model.Owner);
        Write(to, model.Tags);
        Write(to, model.Sections);
        Write(to, model.Aliases);
        Write(to, model.Hosts);
        model.Feedback.Save(to);
        to.Flag(model.NewerEntry is not null);
        if (model.NewerEntry is { } newer)
        {
            to.Number(newer);
            to.Number(model.NewerFormat);
        }
    }

    internal static ModelFacts ReadModel(SnapshotReader from, int ordinal)
    {
        ModelFacts model = new(from.Text(), ordinal) { Description = from.OptionalText(), Owner = from.Shared() };
        Read(from, model.Tags);
        Read(from, model.Sections);
        Read(from, model.Aliases);
        Read(from, model.Hosts);
        model.Feedback.Load(from, model.Name);
        if (from.Flag())
        {
            model.NewerEntry = from.Number();
            model.NewerFormat = from.Int(least: 0);
        }

        return model;
    }

    internal static void Write(SnapshotWriter to, VersionFacts version)
    {
        to.Number(version.Model.Ordinal);
        to.Digest(version.Digest);
        to.Number((int)version.Status);
        to.Optional(version.RunId);
        to.Number(version.Parent ?? 0);
        to.Shared(version.By);
        to.Shared(version.OnBehalfOf);
        to.Time(At(version.At));
        to.Shared(version.Reason);
        to.Number(version.Task is { } task ? (int)task : -1);
        to.Shared(version.Format);
        to.Shared(version.Algorithm);
        to.Number(version.Metrics.Count);
        foreach ((string name, MetricValue metric) in version.Metrics)
        {
            to.Shared(name);
            to.Real(metric.Value);
            to.Optional(metric.Lower);
            to.Optional(metric.Upper);
        }

        to.Flag(version.Dataset is not null);
        if (version.Dataset is { } dataset)
        {
            to.Shared(dataset.Source);
            to.Digest(dataset.Fingerprint);
            to.Number(dataset.Rows);
            to.Number(dataset.Rejected);
            to.Shared(dataset.From);
            to.Shared(dataset.To);
            to.Number(dataset.TrainingRows);
            to.Number(dataset.TestRows);
        }

        to.Shared(version.Stage);
        to.Number((version.Deprecated ? 1 : 0) | (version.Deleted ? 2 : 0) | (version.Watched ? 4 : 0) | (version.Signed ? 8 : 0));
        to.Number(version.Successor ?? 0);
        Write(to, version.Tags);
        Write(to, version.Sections);
        to.Number(version.Approvals.Count);
        foreach ((string by, long at) in version.Approvals)
        {
            to.Shared(by);
            to.Time(At(at));
        }

        Write(to, version.OpenAlerts);
    }

    internal static VersionFacts ReadVersion(SnapshotReader from, List<ModelFacts> models, int ordinal)
    {
        ModelFacts model = models[from.Int(0, models.Count - 1)];
        VersionFacts version = new(model, model.Versions.Count + 1, ordinal)
        {
            Digest = from.Digest(),
            Status = (VersionStatus)from.Int(0, (int)VersionStatus.Rejected),
            RunId = from.OptionalText(),
            Parent = from.Int(least: 0) is var parent && parent != 0 ? parent : null,
            By = from.SharedText(),
            OnBehalfOf = from.Shared(),
            At = from.Time().UtcTicks,
            Reason = from.SharedText(),
            Task = from.Int(-1, (int)ModelTask.Regression) is var task && task >= 0 ? (ModelTask)task : null,
            Format = from.Shared(),
            Algorithm = from.Shared(),
        };
        var metrics = new KeyValuePair<string, MetricValue>[from.Count(bytesEach: 11)];
        for (int i = 0; i < metrics.Length; i++)
        {
            metrics[i] = KeyValuePair.Create(from.SharedText(), new MetricValue(from.Real(), from.OptionalReal(), from.OptionalReal()));
        }

        version.Metrics = metrics;
        if (from.Flag())
        {
            version.Dataset = new DatasetInfo(from.SharedText(), from.Digest(), from.Number(), from.Number())
            {
                From = from.Shared(),
                To = from.Shared(),
                TrainingRows = from.Number(),
                TestRows = from.Number(),
            };
        }

        version.Stage = from.Shared();
        int flags = from.Int(0, 15);
        (version.Deprecated, version.Deleted, version.Watched, version.Signed) = ((flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0);
        version.Successor = from.Int(least: 0) is var successor && successor != 0 ? successor : null;
        Read(from, version.Tags);
        Read(from, version.Sections);
        for (int left = from.Count(); left > 0; left--)
        {
            version.Approvals.Add(KeyValuePair.Create(from.SharedText(), from.Time().UtcTicks));
        }

        Read(from, version.OpenAlerts);
        model.Versions.Add(version);
        return version;
    }

    private static DateTimeOffset At(long ticks) => new(ticks, TimeSpan.Zero);

    private static void Write(SnapshotWriter to, List<KeyValuePair<string, string>> pairs)
    {
        to.Number(pairs.Count);
        foreach ((string key, string value) in pairs)
        {
            to.Shared(key);
            to.Shared(value);
        }
    }

    private static void Read(SnapshotReader from, List<KeyValuePair<string, string>> pairs)
    {
        for (int left = from.Count(); left > 0; left--)
        {
            pairs.Add(KeyValuePair.Create(from.SharedText(), from.SharedText()));
        }
    }

    private static void Write(SnapshotWriter to, List<KeyValuePair<string, int>> pairs)
    {
        to.Number(pairs.Count);
        foreach ((string key, int value) in pairs)
        {
            to.Shared(key);
            to.Number(value);
        }
    }

    private static void Read(SnapshotReader from, List<KeyValuePair<string, int>> pairs)
    {
        for (int left = from.Count(); left > 0; left--)
        {
            pairs.Add(KeyValuePair.Create(from.SharedText(), from.Int()));
        }
    }

    private static void Write(SnapshotWriter to, List<KeyValuePair<string, SectionFacts>> sections)
    {
        to.Number(sections.Count);
        foreach ((string name, SectionFacts section) in sections)
        {
            to.Shared(name);
            to.Text(section.Text);
            to.Shared(section.By);
            to.Time(At(section.At));
            to.Text(section.Reason);
            to.Number(section.Entry);
        }
    }

    private static void Read(SnapshotReader from, List<KeyValuePair<string, SectionFacts>> sections)
    {
        for (int left = from.Count(); left > 0; left--)
        {
            sections.Add(KeyValuePair.Create(from.SharedText(), new SectionFacts(from.Text(), from.SharedText(), from.Time().UtcTicks, from.Text(), from.Number())));
        }
    }
}
