namespace Mlops.Sdk.Registry;

/// <summary>Makes series smaller for charts.</summary>
internal static class MetricSampler
{
    internal static List<MetricPoint> Sample(List<MetricPoint> points, int most, MetricSampling how)
    {
        if (points.Count <= most)
        {
            return points;
        }

        List<MetricPoint> finite = points.FindAll(p => double.IsFinite(p.Value));
        return finite.Count <= most ? finite : how == MetricSampling.MinMax ? MinMax(finite, most) : LargestTriangle(finite, most);
    }

    /// <summary>Cuts the series into buckets and takes of each the point that spans the largest triangle with the one taken before and the middle of the next bucket.</summary>
    private static List<MetricPoint> LargestTriangle(List<MetricPoint> points, int most)
    {
        List<MetricPoint> taken = new(most) { points[0] };
        double width = (double)(points.Count - 2) / (most - 2);
        int before = 0;
        for (int bucket = 0; bucket < most - 2; bucket++)
        {
            int start = 1 + (int)(bucket * width), end = 1 + (int)((bucket + 1) * width);
            int nextEnd = Math.Min(points.Count, bucket == most - 3 ? points.Count : 1 + (int)((bucket + 2) * width));
            double middleX = 0, middleY = 0;
            for (int i = end; i < nextEnd; i++)
            {
                middleX += points[i].Step;
                middleY += points[i].Value / (nextEnd - end); // divided first: the sum of huge values is no number
            }

            middleX /= nextEnd - end;
            (double beforeX, double beforeY) = (points[before].Step, points[before].Value);
            double largest = -1;
            int best = start;
            for (int i = start; i < end; i++)
            {
                double area = Math.Abs(((beforeX - middleX) * (points[i].Value - beforeY)) - ((beforeX - points[i].Step) * (middleY - beforeY)));
                if (area > largest)
                {
                    (largest, best) = (area, i);
                }
            }

            taken.Add(points[best]);
            before = best;
        }

        taken.Add(points[^1]);
        return taken;
    }

    private static List<MetricPoint> MinMax(List<MetricPoint> points, int most)
    {
        int buckets = most / 4;
        List<MetricPoint> taken = new(most);
        for (int bucket = 0; bucket < buckets; bucket++)
        {
            int start = (int)((long)points.Count * bucket / buckets), end = (int)((long)points.Count * (bucket + 1) / buckets);
            int low = start, high = start;
            for (int i = start; i < end; i++)
            {
                low = points[i].Value < points[low].Value ? i : low;
                high = points[i].Value > points[high].Value ? i : high;
            }

            SortedSet<int> kept = [start, low, high, end - 1];
            taken.AddRange(kept.Select(i => points[i]));
        }

        return taken;
    }
}
